#include "sip/uri_list.h"

#include "sip/message_text.h"

namespace ringtrace::sip {
namespace {

constexpr std::size_t kMaximumUris = 16;

}  // namespace

std::vector<UriView> uris_of(std::string_view value) {
  std::vector<UriView> uris;
  while (!value.empty() && uris.size() < kMaximumUris) {
    const auto uri = first_uri(take_value(value));
    if (uri && !uri->user.empty()) uris.push_back(*uri);
  }
  return uris;
}

}  // namespace ringtrace::sip
