#include "sip/header_rows.h"

#include "sip/message_text.h"
#include "sip/text.h"

namespace ringtrace::sip {

std::vector<std::string> header_rows(const Message& message, std::string_view name,
                                     std::string_view compact) {
  const std::string text = message.to_string();
  std::vector<std::string> values;
  for (const Row& row : take_apart(text).rows) {
    const bool matches =
        equals_ignoring_case(row.name, name) || (!compact.empty() && equals_ignoring_case(row.name, compact));
    if (matches) values.emplace_back(row.value);
  }
  return values;
}

}  // namespace ringtrace::sip
