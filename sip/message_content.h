#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/kept_texts.h"
#include "sip/message.h"
#include "sip/message_text.h"

namespace ringtrace::sip {

/// What stands behind a Message. Views of `start_line`, `rows` and `body` point into `received`, `written` or
/// into the same of `origin`, which therefore never change or lose a text.
struct Message::Content {
  std::shared_ptr<const Content> origin;
  std::string received;
  KeptTexts written;

  std::string_view start_line;
  std::vector<Row> rows;
  std::string_view body;

  // Of the start line.
  bool is_request = false;
  std::string_view method_name;  ///< of a response: as CSeq says
  std::string_view request_uri;
  int status = 0;

  std::optional<Defect> defect;
  std::string wire;  ///< as it is sent; empty: not written since the last change

  // As far as they have been asked for. From and To never change.
  mutable std::optional<ViaView> top_via;
  mutable std::optional<std::string_view> from_tag;
  mutable std::optional<std::string_view> to_tag;

  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  /// Begins with the parts of `received`; `plain` ones (sip/plain_message.h) are as short as they can be.
  void take(MessageParts parts, bool plain);
  void read_start_line();
  std::size_t index_of(Field field) const;
  std::size_t last_index_of(Field field) const;
  std::string_view value_of(Field field) const;
  /// The values of all rows of a kind, rows with several of them taken apart.
  template <typename Take>
  void each_value(Field field, const Take& take) const {
    for (const Row& row : rows) {
      if (row.field != field) continue;
      for (std::string_view values = row.value; !values.empty();)
        if (!take(take_value(values))) return;
    }
  }
  /// Of From or To.
  std::string_view tag_of(Field field, std::optional<std::string_view>& known) const;
  std::string_view value_at(Field field, std::size_t index) const;
  std::size_t count(Field field) const;

  // Changes.
  Row make_row(Field field, std::string_view name, std::string_view value);
  void changed(Field field);  ///< a row of it, or for kOther the start line
  void insert(std::size_t at, Row row);
  void remove(std::size_t at);
  /// A row with several values becomes a row with the first, or the last, and a row with the others.
  void part_first(std::size_t at);
  void part_last(std::size_t at);
  std::string write() const;
};

}  // namespace ringtrace::sip
