#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringtrace::sip {

/// Why a message was not served.
enum class Refusal : std::uint8_t {
  kUnknownSource,  ///< neither a trunk nor a line: dropped, no answer
  kGarbage,        ///< no SIP message: dropped
  kTooLarge,       ///< 513
  kMalformed,     ///< a message without what RFC 3261 requires: 400, or dropped if it is a response or an ACK
  kTooManyVias,   ///< 483
  kUriScheme,     ///< 416
  kMaxForwards,   ///< 483
  kLoop,          ///< 482
  kMaxBreadth,    ///< 440
  kProxyRequire,  ///< 420
  kMethod,        ///< 405: not a request that can begin something here
  kFromLine,      ///< 403: a line placing a call
  kForeignRoute,  ///< 403: an initial request that wants to be relayed elsewhere
  kBadRoute,      ///< 481: an in-dialog request without our valid, signed Route
  kNoTransaction,      ///< 481: a CANCEL of nothing
  kUnmatchedAck,       ///< dropped
  kUnmatchedResponse,  ///< a response to nothing of ours: dropped
  kOverload,           ///< 503: too many transactions, or requests wait too long to be served
  kQueueFull,          ///< a new call dropped unread: too many wait to be served
  kCertificate,        ///< a line or registrar over TLS that could not show to be who it should be
  kConnection,         ///< a connection closed: too many, or a stranger's
  kSourceRate,         ///< 503: too many new calls a second from one address
  kNumberRate,         ///< 503: too many new calls a second to one number
  kTooManyCalls,       ///< 503: too many live calls
  kDraining,           ///< 503: the gateway stops
};
inline constexpr std::size_t kRefusalCount = 25;
/// "unknown_source", ...
std::string_view refusal_name(Refusal refusal);

inline constexpr std::size_t kOutcomeCount = 7;  ///< values of ringtrace.v1.CallOutcome
inline constexpr std::size_t kMethodCount = 8;   ///< values of ringtrace.v1.ResolutionMethod

/// What the proxy has done and holds. Written by the SIP thread, read by any, each number by itself.
struct ProxyStats {
  using Counter = std::atomic<std::uint64_t>;

  Counter requests_received{0};
  Counter responses_received{0};
  Counter messages_sent{0};
  Counter send_failures{0};
  Counter retransmissions_absorbed{0};  ///< of requests
  Counter retransmissions_sent{0};
  Counter transactions_cut_short{0};  ///< forgotten before their time, because there were too many
  Counter line_failovers{0};
  Counter calls_started{0};
  Counter calls_closed_unknown{0};  ///< BYE of a call this process does not know
  std::array<Counter, kOutcomeCount> calls_ended{};
  std::array<Counter, kMethodCount> calls_resolved{};
  std::array<Counter, kRefusalCount> refused{};
  Counter new_call_wait_us{0};   ///< a gauge: of the latest request for a new call
  Counter live_calls{0};         ///< a gauge
  Counter live_transactions{0};  ///< a gauge

  void refuse(Refusal reason) { count(refused[static_cast<std::size_t>(reason)]); }
  static void count(Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }
};

}  // namespace ringtrace::sip
