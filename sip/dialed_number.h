#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sip/caller.h"
#include "sip/dialed_source.h"
#include "sip/message.h"
#include "sip/number_reader.h"

namespace ringtrace::sip {

class Attribution;

/// The user part of each URI, or the bare number, a source holds; in the order they are to be tried. At most
/// 16.
std::vector<std::string_view> dialed_texts(const Message& invite, const DialedSource& source);

/// The dialed number, by the trunk's sources in their order: the first number that is one of ours; if none
/// is, the first number; if there is none, the Request-URI's user part as text.
Party dialed_of(const Message& invite, const std::vector<DialedSource>& sources, const NumberReader& reader,
                const Attribution& ours);

/// What the line finds as the Request-URI's user part: as received where it is the dialed number, else the
/// dialed number, because the trunk wrote something else there (an account's name, a contact of ours).
std::string user_for_line(const Message& invite, const Party& dialed, const NumberReader& reader);

}  // namespace ringtrace::sip
