#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <string_view>

#include "proto/wire_fields.h"

namespace ringtrace {

/// Sees each field, of a message inside a message too, before it is written; false leaves it out.
using FieldFilter = std::function<bool(const google::protobuf::FieldDescriptor&, const WireField&)>;

/// A message as protobuf's JSON with the field names of the .proto file: what
/// google::protobuf::util::MessageToJsonString writes with preserve_proto_field_names, an order of magnitude
/// faster, because it asks the message itself and no type resolver. For the kinds of fields that ours have:
/// everything but groups, bytes, and of the well-known types all but Timestamp and Duration. Times outside
/// the years 1 to 9999 are cut to them.
std::string to_json(const google::protobuf::Message& message);

/// Appends the same of a message that is serialized, as protobuf's own library serializes (the values of a
/// repeated field stand together), without making the message. Fields that the type does not know are left
/// out. False when the bytes are no message; a part of it has been appended then.
bool append_json(const google::protobuf::Descriptor& type, std::string_view bytes, std::string& out,
                 const FieldFilter& wanted = {});

}  // namespace ringtrace
