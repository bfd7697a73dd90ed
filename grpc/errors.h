#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pool/time.h"

namespace ringtrace::rpc {

/// The canonical status codes our errors use, with the numbers of google.rpc.Code.
enum class Code : std::uint8_t {
  kCancelled = 1,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kOutOfRange = 11,
  kUnavailable = 14,
};

/// Why a request was refused. Each goes over the wire as the `reason` of the error's one
/// google.rpc.ErrorInfo, under the domain "ringtrace"; programs act on it, so a published reason keeps its
/// name and its code.
enum class Reason : std::uint8_t {
  kFieldRequired,              ///< a field that must be there is not
  kFieldTooLong,               ///< a text or message is longer than its limit
  kFieldMalformed,             ///< a field is not of its form (resource name, number, control character...)
  kFieldOutOfRange,            ///< a count, share or length of time is outside its limits
  kTimeNotInFuture,            ///< an expire_time that is past
  kPageTokenInvalid,           ///< a page token that no response gave
  kPoolNotFound,               ///< no pool of that name
  kLeaseNotFound,              ///< the visit holds no number in that pool
  kCallNotFound,               ///< the log knows no such call, or no more
  kPoolExhausted,              ///< no number is free, and the pool shows no fallback
  kPoolFull,                   ///< the pool has no room for more numbers
  kNumberElsewhere,            ///< the configuration gives the number to another pool or use
  kNumberNotInPool,            ///< the pool does not lend that number
  kStoreUnavailable,           ///< the pool requires the store's word, and there is none
  kStoreBusy,                  ///< too many requests are waiting for the store
  kStreamStartMissing,         ///< a stream's first message is no start
  kStreamStartRepeated,        ///< a stream was started twice
  kTooManyStreams,             ///< as many long streams as the gateway serves are open
  kCursorTrimmed,              ///< the log no longer reaches back to the cursor
  kCursorMalformed,            ///< the cursor is none of this log's
  kLogUnavailable,             ///< the event log cannot be read now
  kSubscriptionOpenOtherwise,  ///< the subscription is open in another mode or with another filter
  kTooManySubscriptions,       ///< as many subscriptions as the gateway keeps exist
  kAcknowledgementOverdue,     ///< others wait for events that this stream has not acknowledged
  kDraining,                   ///< the gateway is stopping: go on with another, or with this one later
  kDeadlinePassed,             ///< the deadline had passed before the work began
  kCallerGone,                 ///< the client cancelled
};

/// How many reasons there are.
inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::kCallerGone) + 1;

/// The reason on the wire, such as "POOL_EXHAUSTED".
std::string_view to_string(Reason reason);

/// The status code that goes with the reason; one reason always has the same.
Code code_of(Reason reason);

/// One refusal. `metadata` carries every variable that `message` shows, so that no program parses the text.
struct Error {
  Reason reason = Reason::kFieldRequired;
  std::string message;
  std::map<std::string, std::string> metadata;
  std::optional<pool::Duration> retry_after;  ///< sent as google.rpc.RetryInfo
};

/// The outcome of a request: none when it succeeded.
using Outcome = std::optional<Error>;

// Made here and nowhere else, so that a message and its metadata stay together. `field` is the path inside
// the request, such as "visit.visit_id".

Error field_required(std::string_view field);
Error field_too_long(std::string_view field, std::size_t bytes, std::size_t max_bytes);
Error field_malformed(std::string_view field, std::string_view expected);
Error field_out_of_range(std::string_view field, std::string_view range);
Error time_not_in_future(std::string_view field);
Error page_token_invalid();
Error pool_not_found(std::string_view pool);
Error lease_not_found(std::string_view pool, std::string_view visit_id);
Error call_not_found(std::string_view call_id);
Error pool_exhausted(std::string_view pool, pool::Duration retry_after);
Error pool_full(std::string_view pool, std::size_t added, std::size_t left_out);
Error number_elsewhere(std::string_view number);
Error number_not_in_pool(std::string_view pool, std::string_view number);
Error numbers_not_kept(std::string_view pool);
Error store_unavailable(std::string_view pool);
Error store_busy(std::string_view pool);
Error stream_start_missing();
Error stream_start_repeated();
Error too_many_streams(std::size_t limit);
Error cursor_trimmed(std::string_view cursor, std::string_view oldest_cursor);
Error cursor_malformed(std::string_view cursor);
Error log_unavailable(std::string_view cursor);
Error calls_unavailable();
Error subscription_open_otherwise(std::string_view subscription, std::string_view mode);
Error too_many_subscriptions(std::string_view subscription);
Error acknowledgement_overdue(std::string_view subscription, std::string_view cursor);
Error draining(std::string_view cursor);
Error deadline_passed();
Error caller_gone();

}  // namespace ringtrace::rpc
