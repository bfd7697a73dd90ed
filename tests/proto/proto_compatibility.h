#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace ringtrace::proto_compatibility {

/// What a program built with `before` would no longer find or understand in `after`, one sentence each,
/// beginning with the full name of what breaks it. Nothing published may go, and what stays keeps (after
/// buf's FILE rules):
///   - a field its number, name, type, cardinality and oneof; an enum value its number and name;
///   - an rpc its request, its response and which of them stream;
///   - every name its package.
/// New files, messages, fields, values and rpcs break nobody.
std::vector<std::string> breaks(const google::protobuf::DescriptorPool& after,
                                const google::protobuf::FileDescriptor& before);

}  // namespace ringtrace::proto_compatibility
