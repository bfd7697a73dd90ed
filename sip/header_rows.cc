#include "sip/header_rows.h"

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Takes one header off the front of `text`, its continuation lines included.
std::string_view take_row(std::string_view& text) {
  std::size_t end = text.find('\n');
  while (end != std::string_view::npos && end + 1 < text.size() &&
         (text[end + 1] == ' ' || text[end + 1] == '\t')) {
    end = text.find('\n', end + 1);
  }
  const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
  const std::string_view row = text.substr(0, size);
  text.remove_prefix(size);
  return row;
}

}  // namespace

std::vector<std::string> header_rows(const Message& message, std::string_view name,
                                     std::string_view compact) {
  const std::string whole = message.to_string();
  std::string_view text = whole;
  std::vector<std::string> values;
  take_row(text);
  while (!text.empty()) {
    const std::string_view row = take_row(text);
    const std::size_t colon = row.find(':');
    if (trimmed(row).empty()) break;
    if (colon == std::string_view::npos) continue;
    const std::string_view found = trimmed(row.substr(0, colon));
    const bool matches =
        equals_ignoring_case(found, name) || (!compact.empty() && equals_ignoring_case(found, compact));
    if (matches) values.emplace_back(trimmed(row.substr(colon + 1)));
  }
  return values;
}

}  // namespace ringtrace::sip
