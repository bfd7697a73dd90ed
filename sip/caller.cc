#include "sip/caller.h"

#include <algorithm>
#include <array>

#include "sip/text.h"
#include "sip/uri_list.h"

namespace ringtrace::sip {
bool is_anonymous(const UriView& uri) {
  constexpr std::array<std::string_view, 4> kWords = {"anonymous", "unknown", "restricted", "unavailable"};
  if (equals_ignoring_case(uri.host, "anonymous.invalid") || uri.user.empty()) return true;
  return std::any_of(kWords.begin(), kWords.end(),
                     [&uri](std::string_view word) { return equals_ignoring_case(uri.user, word); });
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

Party caller_of(const Message& invite, const NumberReader& reader) {
  if (invite.asks_privacy()) return {};
  if (auto party = asserted_by(invite, reader)) return *party;
  const UriView from = invite.from_uri();
  if (is_anonymous(from)) return {};
  return party_of(from, reader);
}

}  // namespace ringtrace::sip
