#include "sip/caller.h"

#include <algorithm>
#include <array>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

bool is_anonymous(const UriView& uri) {
  constexpr std::array<std::string_view, 4> kWords = {"anonymous", "unknown", "restricted", "unavailable"};
  if (equals_ignoring_case(uri.host, "anonymous.invalid") || uri.user.empty()) return true;
  return std::any_of(kWords.begin(), kWords.end(),
                     [&uri](std::string_view word) { return equals_ignoring_case(uri.user, word); });
}

Party party_of(const UriView& uri, const NumberPlan& plan) {
  Party party;
  party.number = parse_number(uri.user, plan);
  party.text = display_number(party.number, uri.user);
  return party;
}

}  // namespace

Party caller_of(const Message& invite, const NumberPlan& plan) {
  if (invite.asks_privacy()) return {};
  if (const auto asserted = invite.extension_header("P-Asserted-Identity")) {
    const auto uri = first_uri(*asserted);
    if (uri && !is_anonymous(*uri)) return party_of(*uri, plan);
  }
  const UriView from = invite.from_uri();
  if (is_anonymous(from)) return {};
  return party_of(from, plan);
}

Party dialed_of(const Message& invite, const NumberPlan& plan) {
  return party_of(invite.request_uri(), plan);
}

}  // namespace ringtrace::sip
