#pragma once

#include <optional>
#include <string>

#include "sip/message.h"
#include "sip/number_reader.h"

namespace ringtrace::sip {

/// Who a request says is calling, or what was dialed.
struct Party {
  std::optional<pool::Number> number;
  std::string text;  ///< "+74950000001", or as received where it is no number; empty when withheld
};

/// Who a URI names: its user part, read by the trunk's rules.
Party party_of(const UriView& uri, const NumberReader& reader);

/// It says that it names nobody: "sip:anonymous@anonymous.invalid", "sip:restricted@...".
bool is_anonymous(const UriView& uri);

/// The caller: P-Asserted-Identity where the trunk is trusted (RFC 3325), the first of its identities that is
/// a number, then From. Withheld when the caller asks for privacy (RFC 3323) or From is anonymous.
Party caller_of(const Message& invite, const NumberReader& reader, bool is_trunk_trusted);

}  // namespace ringtrace::sip
