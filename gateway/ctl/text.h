#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

/// Values as people read and type them.
namespace ringtrace::ctl {

/// "2026-03-01T12:00:00Z"; "-" when absent.
std::string time_text(bool present, const google::protobuf::Timestamp& time);

/// "1d 2h", "30m", "90s", "1.5s": the two largest units that are not zero.
std::string duration_text(const google::protobuf::Duration& duration);

/// Seconds with one decimal, "12.3".
std::string seconds_text(const google::protobuf::Duration& duration);

/// "0.97".
std::string share_text(double share);

/// The text, or "-" when it is empty.
std::string or_dash(std::string_view text);

/// The name of an enum value without the enum's name, in lower case: "CALL_EVENT_TYPE_ENDED" gives "ended".
std::string short_name(std::string_view value_name, std::string_view prefix);

/// The text with its ASCII letters in upper case.
std::string upper(std::string text);

/// Reads "30m", "1h30m", "90s", "250ms", "2d"; none for anything else, and for more than a hundred years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// How many columns a terminal needs for the text: its UTF-8 code points.
std::size_t width(std::string_view text);

/// The text without control characters, so that nothing a website sent can steer the terminal.
std::string printable(std::string_view text);

/// Prints rows under a heading in aligned columns. Rows go out as they come, so a stream can be shown; a
/// longer cell widens its column from then on.
class Table {
 public:
  struct Column {
    std::string title;
    std::size_t least = 0;  ///< columns it takes at least
  };

  Table(std::ostream& out, std::vector<Column> columns, bool colour);

  /// One row; the heading goes before the first. `styles` are SGR parameters such as "32" (ECMA-48 8.3.117),
  /// one a cell, empty for none; they count where the table has colours.
  void row(const std::vector<std::string>& cells, const std::vector<std::string_view>& styles = {});

  /// The heading, when no row has brought it yet.
  void heading();

 private:
  void line(const std::vector<std::string>& cells, const std::vector<std::string_view>& styles);

  std::ostream& out_;
  std::vector<Column> columns_;
  const bool colour_;
  bool headed_ = false;
};

/// Prints "name  value" lines, aligned.
void print_fields(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace ringtrace::ctl
