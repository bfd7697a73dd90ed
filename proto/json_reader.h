#pragma once

#include <google/protobuf/message.h>

#include <string_view>

namespace ringtrace {

/// Reads a message from JSON: the reverse of `to_json` (proto/json_text.h), for the same kinds of fields. It
/// takes nothing that google::protobuf::util::JsonStringToMessage with ignore_unknown_fields does not take,
/// and makes the same of it, some fifty times faster, because that one describes all types to itself anew for
/// every text. What only people write is not taken: numbers of whole-number fields with a fraction or an
/// exponent, texts in single quotes.
///
/// Fields and names of enum values that the type does not know are passed over, and null is nothing. False
/// when the text is no JSON (RFC 8259) of such a message, or a text of it is no UTF-8; `message`, which must
/// be empty, is of no use then. Any thread.
bool from_json(std::string_view json, google::protobuf::Message& message);

}  // namespace ringtrace
