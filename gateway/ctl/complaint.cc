#include "gateway/ctl/complaint.h"

#include <google/protobuf/util/json_util.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <utility>

#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

constexpr std::string_view kAnotherToken = "Whoever runs the gateway makes another with ringtracectl token.";

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kAdvice = {{
    {"POOL_NOT_FOUND", "ringtracectl pool shows those there are."},
    {"TOKEN_MISSING", "--token-file shows one; whoever runs the gateway makes it with ringtracectl token."},
    {"TOKEN_UNKNOWN", kAnotherToken},
    {"TOKEN_EXPIRED", kAnotherToken},
    {"SCOPE_MISSING", kAnotherToken},
    {"POOL_NOT_ALLOWED", kAnotherToken},
}};

}  // namespace

void complain(bool json, Complaint kind, const std::string& text, const std::string& advice) {
  if (!json) {
    std::cerr << "ringtracectl: " << printable(text) << '\n';
    if (!advice.empty()) std::cerr << advice << '\n';
    return;
  }
  google::rpc::Status status;
  status.set_code(static_cast<int>(kind));
  status.set_message(printable(text));
  std::string object;
  if (google::protobuf::util::MessageToJsonString(status, &object).ok()) std::cerr << object << '\n';
}

std::string_view advice_on(std::string_view reason) {
  const auto* const found = std::find_if(kAdvice.begin(), kAdvice.end(),
                                         [&](const auto& advice) { return advice.first == reason; });
  return found == kAdvice.end() ? std::string_view() : found->second;
}

}  // namespace ringtrace::ctl
