#include "gateway/ctl/text.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <utility>

namespace ringtrace::ctl {
namespace {

using google::protobuf::util::TimeUtil;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};

constexpr std::array<Unit, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

std::string fixed(double value, int decimals) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(decimals) << value;
  return out.str();
}

}  // namespace

std::string time_text(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return "-";
  google::protobuf::Timestamp whole = time;
  whole.set_nanos(0);
  return TimeUtil::ToString(whole);
}

std::string duration_text(const google::protobuf::Duration& duration) {
  std::int64_t left = TimeUtil::DurationToMilliseconds(duration);
  if (left < 0) return "-";
  if (left < 10'000 && left % 1000 != 0) return fixed(static_cast<double>(left) / 1000, 1) + "s";
  std::string result;
  int parts = 0;
  for (const Unit& unit : kUnits) {
    if (unit.milliseconds == 1) break;
    const std::int64_t count = left / unit.milliseconds;
    left %= unit.milliseconds;
    if (count == 0 || parts == 2) continue;
    if (parts++ != 0) result += ' ';
    result += std::to_string(count);
    result += unit.name;
  }
  return result.empty() ? "0s" : result;
}

std::string seconds_text(const google::protobuf::Duration& duration) {
  return fixed(static_cast<double>(TimeUtil::DurationToMilliseconds(duration)) / 1000, 1);
}

std::string share_text(double share) { return fixed(share, 2); }

std::string or_dash(std::string_view text) { return text.empty() ? "-" : std::string(text); }

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string short_name(std::string_view value_name, std::string_view prefix) {
  if (value_name.substr(0, prefix.size()) == prefix) value_name.remove_prefix(prefix.size());
  std::string result(value_name);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::int64_t kMost = 36'525LL * 86'400'000;
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    const auto unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
    if (unit == kUnits.end() || count > (kMost - total) / unit->milliseconds) return std::nullopt;
    total += count * unit->milliseconds;
    text.remove_prefix(name.size());
  }
  return std::chrono::milliseconds(total);
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C0, DEL, and C1 in its UTF-8 form (C2 80 to C2 9F).
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    result += c1 || byte < 0x20 || byte == 0x7F ? '?' : text[i];
  }
  return result;
}

Table::Table(std::ostream& out, std::vector<Column> columns, bool colour)
    : out_(out), columns_(std::move(columns)), colour_(colour) {
  for (Column& column : columns_) column.least = std::max(column.least, width(column.title));
}

void Table::heading() {
  if (std::exchange(headed_, true)) return;
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  if (colour_) out_ << "\033[1m";
  line(titles, {});
  if (colour_) out_ << "\033[0m" << std::flush;
}

void Table::row(const std::vector<std::string>& cells, const std::vector<std::string_view>& styles) {
  std::vector<std::string> clean;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    clean.push_back(printable(cells[i]));
    columns_[i].least = std::max(columns_[i].least, width(clean.back()));
  }
  heading();
  line(clean, colour_ ? styles : std::vector<std::string_view>());
}

void Table::line(const std::vector<std::string>& cells, const std::vector<std::string_view>& styles) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) text += "  ";
    const bool styled = i < styles.size() && !styles[i].empty();
    if (styled) text.append("\033[").append(styles[i]).append("m");
    text += cells[i];
    if (styled) text += "\033[0m";
    if (i + 1 != cells.size()) text.append(columns_[i].least - width(cells[i]), ' ');
  }
  out_ << text << '\n';
}

void print_fields(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t widest = 0;
  for (const auto& [name, value] : fields) widest = std::max(widest, width(name));
  for (const auto& [name, value] : fields) {
    out << name << std::string(widest - width(name) + 2, ' ') << printable(value) << '\n';
  }
}

}  // namespace ringtrace::ctl
