#include "sip/uri_list.h"

namespace ringtrace::sip {
namespace {

constexpr std::size_t kMaximumUris = 16;

// Where the element that begins `value` ends: at the next comma of its own, or the end.
std::size_t element_end(std::string_view value) {
  bool quoted = false;
  bool bracketed = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"' && !bracketed) {
      quoted = true;
    } else if (c == '<') {
      bracketed = true;
    } else if (c == '>') {
      bracketed = false;
    } else if (c == ',' && !bracketed) {
      return i;
    }
  }
  return value.size();
}

}  // namespace

std::vector<UriView> uris_of(std::string_view value) {
  std::vector<UriView> uris;
  while (!value.empty() && uris.size() < kMaximumUris) {
    const std::size_t end = element_end(value);
    const auto uri = first_uri(value.substr(0, end));
    if (uri && !uri->user.empty()) uris.push_back(*uri);
    value.remove_prefix(end < value.size() ? end + 1 : end);
  }
  return uris;
}

}  // namespace ringtrace::sip
