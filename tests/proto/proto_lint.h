#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace ringtrace::proto_lint {

/// What breaks the rules of our wire words in a file, one sentence each, beginning with the full name of what
/// breaks it. The rules (after the AIPs and buf's STANDARD and COMMENTS):
///   - the package ends in a version such as ".v1", and the file lies in the directory of that name;
///   - services end in Service; rpc Xxx takes XxxRequest and gives XxxResponse, used by no other rpc;
///   - enum values begin with the enum's name in upper snake, the zero value is that and _UNSPECIFIED;
///   - fields are lower_snake; a Timestamp ends in _time, and nothing else does;
///   - everything has a comment.
std::vector<std::string> lint(const google::protobuf::FileDescriptor& file);

}  // namespace ringtrace::proto_lint
