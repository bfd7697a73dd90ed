#include "sip/forwarded_from.h"

#include <algorithm>
#include <vector>

#include "sip/message_text.h"
#include "sip/privacy.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::size_t kMaximumEntries = 64;

struct Entry {
  UriView uri;
  bool is_withheld = false;
};

// "<sip:a@b?Reason=SIP%3Bcause%3D302&Privacy=history>"
bool entry_asks_privacy(std::string_view uri_headers) {
  while (!uri_headers.empty()) {
    const std::size_t end = std::min(uri_headers.find('&'), uri_headers.size());
    const std::string_view header = uri_headers.substr(0, end);
    uri_headers.remove_prefix(std::min(end + 1, uri_headers.size()));
    const std::size_t equals = std::min(header.find('='), header.size());
    if (equals_ignoring_case(header.substr(0, equals), "Privacy"))
      return !equals_ignoring_case(header.substr(std::min(equals + 1, header.size())), "none");
  }
  return false;
}

std::vector<Entry> entries_of(const Message& invite, std::string_view header) {
  std::vector<Entry> entries;
  for (std::string_view values : invite.extension_headers(header)) {
    while (!values.empty() && entries.size() < kMaximumEntries) {
      const AddressView address = read_address(take_value(values));
      const UriView uri = read_uri(address.uri);
      if (uri.user.empty()) continue;
      const std::string_view privacy = parameter_of(address.parameters, "privacy");
      const bool is_withheld = is_one_of(privacy, {"full", "uri", "\"full\"", "\"uri\""}) ||
                               entry_asks_privacy(uri.headers) || is_anonymous(uri);
      entries.push_back({uri, is_withheld});
    }
  }
  return entries;
}

// The first entry that is not the dialed number.
const Entry* first_other(const std::vector<Entry>& entries, const Party& dialed, const NumberReader& reader) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return party_of(entry.uri, reader).text != dialed.text;
  });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

std::string forwarded_from(const Message& invite, const Party& dialed, const NumberReader& reader) {
  std::vector<Entry> entries = entries_of(invite, "Diversion");
  const Entry* from = first_other(entries, dialed, reader);
  if (from == nullptr) {
    entries = entries_of(invite, "History-Info");
    std::reverse(entries.begin(), entries.end());
    from = first_other(entries, dialed, reader);
    if (from != nullptr && asks_privacy(invite, {"history", "header", "session"})) return {};
  }
  return from == nullptr || from->is_withheld ? std::string() : party_of(from->uri, reader).text;
}

}  // namespace ringtrace::sip
