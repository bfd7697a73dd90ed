#include "sip/message_content.h"

#include <algorithm>
#include <charconv>

#include "sip/text.h"

namespace ringtrace::sip {

void Message::Content::take(MessageParts parts, bool plain) {
  start_line = parts.start_line;
  rows = std::move(parts.rows);
  body = parts.body;
  for (Row& row : rows) {
    if (plain || row.field == Field::kOther) continue;
    if (const auto shorter = compacted(row.value)) row.value = written.keep({*shorter});
  }
  if (const std::string_view length = value_of(Field::kContentLength); !length.empty()) {
    // What comes behind it in a datagram belongs to nothing (RFC 3261 section 18.3).
    std::size_t size = body.size();
    std::from_chars(length.data(), length.data() + length.size(), size);
    body = body.substr(0, size);
  }
  read_start_line();
}

void Message::Content::read_start_line() {
  const std::size_t first = start_line.find(' ');
  if (first == std::string_view::npos) return;
  if (starts_with_ignoring_case(start_line, "SIP/")) {
    const std::string_view code = start_line.substr(first + 1, 3);
    std::from_chars(code.data(), code.data() + code.size(), status);
    const std::string_view cseq = value_of(Field::kCSeq);
    const std::size_t space = cseq.find(' ');
    if (space != std::string_view::npos) method_name = cseq.substr(space + 1);
    return;
  }
  is_request = true;
  method_name = start_line.substr(0, first);
  request_uri = start_line.substr(std::min(start_line.find_first_not_of(' ', first), start_line.size()));
  request_uri = request_uri.substr(0, request_uri.find(' '));
  request_uri = request_uri.substr(0, request_uri.find('\t'));
}

std::size_t Message::Content::index_of(Field field) const {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].field == field) return i;
  return kNowhere;
}

std::size_t Message::Content::last_index_of(Field field) const {
  for (std::size_t i = rows.size(); i > 0; --i)
    if (rows[i - 1].field == field) return i - 1;
  return kNowhere;
}

std::string_view Message::Content::value_of(Field field) const {
  const std::size_t at = index_of(field);
  return at == kNowhere ? std::string_view{} : rows[at].value;
}

std::string_view Message::Content::tag_of(Field field, std::optional<std::string_view>& known) const {
  if (!known) known = parameter_of(read_address(value_of(field)).parameters, "tag");
  return *known;
}

std::string_view Message::Content::value_at(Field field, std::size_t index) const {
  std::string_view found;
  each_value(field, [&](std::string_view value) {
    if (index-- > 0) return true;
    found = value;
    return false;
  });
  return found;
}

std::size_t Message::Content::count(Field field) const {
  std::size_t count = 0;
  each_value(field, [&count](std::string_view) {
    ++count;
    return true;
  });
  return count;
}

Row Message::Content::make_row(Field field, std::string_view name, std::string_view value) {
  const std::string_view kept = written.keep({name, ": ", value, "\r\n"});
  return {field, kept.substr(0, name.size()), kept.substr(name.size() + 2, value.size()), kept};
}

void Message::Content::changed(Field field) {
  wire.clear();
  if (field == Field::kVia) top_via.reset();
}

void Message::Content::insert(std::size_t at, Row row) {
  rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(at), row);
  changed(row.field);
}

void Message::Content::remove(std::size_t at) {
  changed(rows[at].field);
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(at));
}

void Message::Content::part_first(std::size_t at) {
  const Row row = rows[at];
  std::string_view rest = row.value;
  const std::string_view first = take_value(rest);
  if (rest.empty()) return;
  rows[at] = make_row(row.field, row.name, first);
  insert(at + 1, make_row(row.field, row.name, rest));
}

void Message::Content::part_last(std::size_t at) {
  const Row row = rows[at];
  std::string_view rest = row.value;
  std::string_view last = take_value(rest);
  if (rest.empty()) return;
  while (!rest.empty()) last = take_value(rest);
  std::string_view before = row.value.substr(0, static_cast<std::size_t>(last.data() - row.value.data()));
  before = before.substr(0, before.rfind(','));
  rows[at] = make_row(row.field, row.name, before);
  insert(at + 1, make_row(row.field, row.name, last));
}

std::string Message::Content::write() const {
  std::size_t size = start_line.size() + body.size() + 4;
  for (const Row& row : rows) size += row.text.size() + 2;
  std::string text;
  text.reserve(size);
  text.append(start_line).append("\r\n");
  for (const Row& row : rows) {
    text.append(row.text);
    if (!row.text.ends_with('\n')) text.append("\r\n");
  }
  return text.append("\r\n").append(body);
}

}  // namespace ringtrace::sip
