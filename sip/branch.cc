#include "sip/branch.h"

#include "sip/sip_hash.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::string_view kPurpose = "ringtrace branch 1";
constexpr std::string_view kEnd("\xff", 1);  // of a field, in a loop's hash
constexpr std::string_view kPrefix = "z9hG4bKrt.";
constexpr std::size_t kExchangeAt = kPrefix.size();
constexpr std::size_t kAttemptAt = kExchangeAt + 16 + 1;
constexpr std::size_t kLoopAt = kAttemptAt + 2 + 1;
constexpr std::size_t kCallAt = kLoopAt + 16 + 1;
constexpr std::size_t kCallSize = 1 + 26;
constexpr std::size_t kSignatureSize = 16;
constexpr std::size_t kPlainSize = kCallAt + kSignatureSize;
constexpr std::size_t kSizeWithCall = kCallAt + kCallSize + 1 + kSignatureSize;

std::optional<Sender> sender_of(char letter) {
  for (const Sender sender : {Sender::kCaller, Sender::kWithheldCaller, Sender::kLine}) {
    if (letter == static_cast<char>(sender)) return sender;
  }
  return std::nullopt;
}

std::string unsigned_text(const ViaBranch& branch) {
  std::string text;
  text.reserve(kSizeWithCall);
  append_hex(text.append(kPrefix), branch.exchange);
  text.append(".").append(to_hex(std::span(&branch.attempt, 1))).append(".");
  append_hex(text, branch.loop);
  if (branch.call) text.append(".").append(1, static_cast<char>(branch.sender)) += branch.call->to_string();
  return text;
}

}  // namespace

bool has_magic_cookie(std::string_view branch) {
  // The cookie is compared as every token is: ignoring case (RFC 3261 section 7.3.1).
  return branch.size() > kMagicCookie.size() && starts_with_ignoring_case(branch, kMagicCookie);
}

std::string ViaBranch::to_string(const Signer& signer, std::string_view sip_call_id,
                                 std::uint32_t cseq) const {
  std::string text = unsigned_text(*this);
  const std::uint64_t signature = signer.sign64({kPurpose, text, sip_call_id, std::to_string(cseq)});
  append_hex(text.append("."), signature);
  return text;
}

std::optional<ViaBranch> ViaBranch::parse(std::string_view text) {
  const bool with_call = text.size() == kSizeWithCall;
  if ((!with_call && text.size() != kPlainSize) || text.substr(0, kPrefix.size()) != kPrefix)
    return std::nullopt;
  for (const std::size_t part : {kAttemptAt, kLoopAt, kCallAt, text.size() - kSignatureSize}) {
    if (text[part - 1] != '.') return std::nullopt;
  }
  const auto exchange = parse_hex64(text.substr(kExchangeAt, 16));
  const auto attempt = parse_hex8(text.substr(kAttemptAt, 2));
  const auto loop = parse_hex64(text.substr(kLoopAt, 16));
  if (!exchange || !attempt || !loop) return std::nullopt;
  ViaBranch branch{*exchange, *attempt, *loop};
  if (with_call) {
    branch.call = CallId::parse(text.substr(kCallAt + 1, kCallSize - 1));
    const auto sender = sender_of(text[kCallAt]);
    if (!branch.call || !sender) return std::nullopt;
    branch.sender = *sender;
  }
  return branch;
}

std::optional<ViaBranch> ViaBranch::verify(const Signer& signer, std::string_view text,
                                           std::string_view sip_call_id, std::uint32_t cseq) {
  const auto branch = parse(text);
  if (!branch) return std::nullopt;
  const std::string_view is_signed = text.substr(0, text.size() - 1 - kSignatureSize);
  const auto signature = parse_hex64(text.substr(text.size() - kSignatureSize));
  const auto expected = signer.sign64({kPurpose, is_signed, sip_call_id, std::to_string(cseq)});
  if (!signature || *signature != expected) return std::nullopt;
  return branch;
}

std::uint64_t loop_hash(std::string_view request_uri, std::string_view from_tag, std::string_view to_tag,
                        std::string_view sip_call_id, std::uint32_t cseq, std::string_view route) {
  // A loop detector needs no secret.
  SipHash hash({}, SipHash::Output::k64);
  const auto mix = [&hash](std::string_view text) {
    hash.update(text);
    hash.update(kEnd);
  };
  mix(request_uri);
  mix(from_tag);
  mix(to_tag);
  mix(sip_call_id);
  mix(std::to_string(cseq));
  mix(route);
  return hash.finish()[0];
}

}  // namespace ringtrace::sip
