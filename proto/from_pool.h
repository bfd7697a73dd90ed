#pragma once

#include <google/protobuf/timestamp.pb.h>
#include <ringtrace/v1/resolution.pb.h>
#include <ringtrace/v1/visit.pb.h>

#include <string_view>

#include "pool/resolution.h"
#include "pool/time.h"

namespace ringtrace {

/// The words of the pool in the words of the wire. sip/, grpc/ and redis/ all need them and do not include
/// one another, so they stand here.

/// A Timestamp of that instant.
google::protobuf::Timestamp to_timestamp(pool::Time time);

/// The instant of a Timestamp, cut to milliseconds.
pool::Time from_timestamp(const google::protobuf::Timestamp& timestamp);

/// "pools/main"; empty for an empty name.
std::string pool_resource(std::string_view pool_name);

/// The pool's name in "pools/main"; empty when the text is not of that form.
std::string_view pool_name_of(std::string_view resource);

/// The resolution as a message. `visitor` and `attributes` (serialized VisitAttributes) are the visit's,
/// empty when not at hand.
v1::Resolution to_message(const pool::Resolution& resolution, std::string_view visitor,
                          std::string_view attributes);

/// The label a visit is counted under: "source/medium" of its UTM tags, else "paid/<click id>", else the
/// referrer's host with "/referral", else "direct". In lower case, at most 64 bytes, no control characters.
std::string source_label(const v1::VisitAttributes& attributes);

}  // namespace ringtrace
