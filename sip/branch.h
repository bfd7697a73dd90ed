#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/call_id.h"
#include "sip/signature.h"

namespace ringtrace::sip {

/// The magic cookie that begins every RFC 3261 branch (section 8.1.1.7).
inline constexpr std::string_view kMagicCookie = "z9hG4bK";

/// The branch names its transaction by itself: the cookie and something behind it.
bool has_magic_cookie(std::string_view branch);

/// Who sent the request a branch belongs to; a letter of its text.
enum class Sender : char {
  kCaller = 'c',
  kWithheldCaller = 'w',  ///< nobody is to be told the number in From
  kLine = 'l',
};

/// Our own Via branch: "z9hG4bKrt.<exchange>.<attempt>.<loop>[.<call>].<signature>", all hexadecimal but the
/// call: its sender's letter and its id.
///
/// It finds the transaction without a search by text, recognises a loop (RFC 3261 section 16.6 step 8, RFC
/// 5393), and, being signed with the Call-ID and CSeq number, lets a restarted process pass a response to a
/// request of its predecessor on, and nothing else: a made-up response is never relayed. A failure carries no
/// Record-Route back, so the branch also says whose call it answers.
struct ViaBranch {
  std::uint64_t exchange = 0;
  std::uint8_t attempt = 0;
  std::uint64_t loop = 0;           ///< from loop_hash()
  std::optional<CallId> call = {};  ///< of the INVITE that begins a call, and of a BYE
  Sender sender = Sender::kCaller;  ///< with `call`

  std::string to_string(const Signer& signer, std::string_view sip_call_id, std::uint32_t cseq) const;
  /// Nothing for a branch that is not ours or was not made for this Call-ID and CSeq.
  static std::optional<ViaBranch> verify(const Signer& signer, std::string_view text,
                                         std::string_view sip_call_id, std::uint32_t cseq);
  /// As verify(), without the signature: for finding loops, where a forgery only harms the forger.
  static std::optional<ViaBranch> parse(std::string_view text);
};

/// The fields that decide where a request goes; equal fields coming back through us are a loop.
std::uint64_t loop_hash(std::string_view request_uri, std::string_view from_tag, std::string_view to_tag,
                        std::string_view sip_call_id, std::uint32_t cseq, std::string_view route);

}  // namespace ringtrace::sip
