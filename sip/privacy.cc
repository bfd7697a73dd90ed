#include "sip/privacy.h"

#include <algorithm>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// Privacy = priv-value *(";" priv-value), each of them a token; blanks, commas and quotes are others' ways.
constexpr std::string_view kBetween = "; \t\r\n,\"";

template <typename Fits>
bool any_value(const Message& message, const Fits& fits) {
  for (std::string_view values : message.extension_headers("Privacy")) {
    while (!values.empty()) {
      const std::size_t end = std::min(values.find_first_of(kBetween), values.size());
      if (end > 0 && fits(values.substr(0, end))) return true;
      values.remove_prefix(std::min(end + 1, values.size()));
    }
  }
  return false;
}

}  // namespace

bool asks_privacy(const Message& message, std::initializer_list<std::string_view> kinds) {
  return any_value(message, [kinds](std::string_view value) { return is_one_of(value, kinds); });
}

bool asks_privacy(const Message& message) {
  return any_value(message, [](std::string_view value) { return !equals_ignoring_case(value, "none"); });
}

}  // namespace ringtrace::sip
