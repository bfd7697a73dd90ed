#pragma once

#include <cstddef>
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
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kOutOfRange = 11,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

/// Why a request was refused. Each goes over the wire as the `reason` of the error's one
/// google.rpc.ErrorInfo, under the domain "ringtrace"; programs act on it, so a published reason keeps its
/// name and its code. What each means, its name and its code stand in one table (`reason_spec`), which the
/// README's table is checked against.
enum class Reason : std::uint8_t {
  kFieldRequired,
  kFieldTooLong,
  kFieldMalformed,
  kFieldOutOfRange,
  kTimeNotInFuture,
  kPageTokenInvalid,
  kMessageTooLarge,
  kMessageMalformed,
  kTokenMissing,
  kTokenUnknown,
  kTokenExpired,
  kTokenChanged,
  kScopeMissing,
  kPoolNotAllowed,
  kPoolNotFound,
  kLeaseNotFound,
  kCallNotFound,
  kPoolExhausted,
  kPoolFull,
  kNumberElsewhere,
  kNumberNotInPool,
  kStoreUnavailable,
  kStoreBusy,
  kTooManyRequests,
  kStreamStartMissing,
  kStreamStartRepeated,
  kTooManyStreams,
  kCursorTrimmed,
  kCursorMalformed,
  kLogUnavailable,
  kSubscriptionOpenOtherwise,
  kTooManySubscriptions,
  kAcknowledgementOverdue,
  kDraining,
  kDeadlinePassed,
  kCallerGone,
};

/// How many reasons there are.
inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::kCallerGone) + 1;

/// What is fixed about a reason.
struct ReasonSpec {
  std::string_view name;  ///< on the wire, such as "POOL_EXHAUSTED"
  Code code;              ///< one reason always has the same
  bool retry;             ///< the error says when to try again (google.rpc.RetryInfo)
  std::string_view meaning;
};

const ReasonSpec& reason_spec(Reason reason);

/// The reason on the wire.
inline std::string_view to_string(Reason reason) { return reason_spec(reason).name; }

inline Code code_of(Reason reason) { return reason_spec(reason).code; }

/// One refusal. `metadata` carries every variable that `message` shows, so that no program parses the text.
struct Error {
  Reason reason = Reason::kFieldRequired;
  std::string message;
  std::map<std::string, std::string> metadata;
  std::optional<pool::Duration> retry_after;  ///< sent as google.rpc.RetryInfo
};

/// The outcome of a request: none when it succeeded.
using Outcome = std::optional<Error>;

/// The place of a list's element in a request, as google.rpc.BadRequest.FieldViolation names it: the first,
/// `index` 0, is "numbers[1]".
std::string element(std::string_view field, std::size_t index);

/// The same of a map: `visit.attributes.extra["note"]`. A long key is cut.
std::string element(std::string_view field, std::string_view key);

// Made here and nowhere else, so that a message and its metadata stay together. `field` is the path inside
// the request, such as "visit.visit_id" or "numbers[1]".

Error field_required(std::string_view field);
Error field_too_long(std::string_view field, std::size_t bytes, std::size_t max_bytes);
Error field_malformed(std::string_view field, std::string_view expected);
Error field_malformed(std::string_view field, std::string_view expected, std::string_view given);
Error field_out_of_range(std::string_view field, std::string_view range);
Error time_not_in_future(std::string_view field);
Error page_token_invalid();
Error message_too_large(std::size_t bytes, std::size_t max_bytes);
Error message_malformed();
Error token_missing();
Error token_unknown();
Error token_expired(std::string_view token_name);
Error token_changed(std::string_view token_name);
Error scope_missing(std::string_view token_name, std::string_view scope);
Error pool_not_allowed(std::string_view token_name, std::string_view pool);
Error all_pools_needed(std::string_view token_name);
Error not_of_pools(std::string_view token_name);
Error one_pool_needed(std::string_view token_name);
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
Error too_many_requests(std::size_t limit);
Error stream_start_missing();
Error stream_start_repeated();
Error too_many_streams(std::size_t limit);
Error too_many_streams_of_client(std::size_t limit);
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
