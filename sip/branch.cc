#include "sip/branch.h"

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::string_view kPurpose = "ringtrace branch 1";
constexpr std::string_view kPrefix = "z9hG4bKrt.";
constexpr std::size_t kSignedSize = 10 + 16 + 1 + 16 + 1 + 16;  // prefix exchange . attempt . loop
constexpr std::size_t kSize = kSignedSize + 1 + 16;

std::string unsigned_text(const ViaBranch& branch) {
  std::string text(kPrefix);
  text += to_hex(branch.exchange) + "." + to_hex(std::uint64_t{branch.attempt}) + "." + to_hex(branch.loop);
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
  return text + "." + to_hex(signature);
}

std::optional<ViaBranch> ViaBranch::parse(std::string_view text) {
  if (text.size() != kSize || text.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  const auto exchange = parse_hex64(text.substr(10, 16));
  const auto attempt = parse_hex64(text.substr(27, 16));
  const auto loop = parse_hex64(text.substr(44, 16));
  if (!exchange || !attempt || !loop || *attempt > 0xff) return std::nullopt;
  return ViaBranch{*exchange, static_cast<std::uint8_t>(*attempt), *loop};
}

std::optional<ViaBranch> ViaBranch::verify(const Signer& signer, std::string_view text,
                                           std::string_view sip_call_id, std::uint32_t cseq) {
  const auto branch = parse(text);
  if (!branch) return std::nullopt;
  const auto signature = parse_hex64(text.substr(kSignedSize + 1));
  const auto expected =
      signer.sign64({kPurpose, text.substr(0, kSignedSize), sip_call_id, std::to_string(cseq)});
  if (!signature || *signature != expected) return std::nullopt;
  return branch;
}

std::uint64_t loop_hash(std::string_view request_uri, std::string_view from_tag, std::string_view to_tag,
                        std::string_view sip_call_id, std::uint32_t cseq, std::string_view route) {
  // FNV-1a with a separator between the fields: a loop detector needs no secret.
  std::uint64_t hash = 14695981039346656037ull;
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ull;
    hash = (hash ^ 0xff) * 1099511628211ull;
  };
  mix(request_uri);
  mix(from_tag);
  mix(to_tag);
  mix(sip_call_id);
  mix(std::to_string(cseq));
  mix(route);
  return hash;
}

}  // namespace ringtrace::sip
