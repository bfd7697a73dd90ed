#include "sip/caller.h"

#include "sip/privacy.h"
#include "sip/text.h"
#include "sip/uri_list.h"

namespace ringtrace::sip {
bool is_anonymous(const UriView& uri) {
  if (equals_ignoring_case(uri.host, "anonymous.invalid") || uri.user.empty()) return true;
  return is_one_of(uri.user, {"anonymous", "unknown", "restricted", "unavailable"});
}

Party party_of(const UriView& uri, const NumberReader& reader) {
  const auto number = reader.read(uri.user);
  return {number, display_number(number, uri.user)};
}

namespace {

std::optional<Party> asserted_by(const Message& invite, const NumberReader& reader) {
  std::optional<Party> named;
  for (const std::string_view value : invite.extension_headers("P-Asserted-Identity")) {
    for (const UriView& uri : uris_of(value)) {
      if (is_anonymous(uri)) continue;
      Party party = party_of(uri, reader);
      if (party.number) return party;
      if (!named) named = std::move(party);
    }
  }
  return named;
}

}  // namespace

Party caller_of(const Message& invite, const NumberReader& reader, bool is_trunk_trusted) {
  if (asks_privacy(invite)) return {};
  if (is_trunk_trusted) {
    if (auto party = asserted_by(invite, reader)) return *party;
  }
  const UriView from = invite.from_uri();
  if (is_anonymous(from)) return {};
  return party_of(from, reader);
}

}  // namespace ringtrace::sip
