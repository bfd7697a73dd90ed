#include "grpc/errors.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ringtrace::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr bool kRetry = true;
constexpr bool kNoRetry = false;

/// In the order of Reason.
constexpr std::array<ReasonSpec, kReasons> kSpecs = {{
    {"FIELD_REQUIRED", Code::kInvalidArgument, kNoRetry, "a field that must be there is not"},
    {"FIELD_TOO_LONG", Code::kInvalidArgument, kNoRetry, "a text or message is longer than its limit"},
    {"FIELD_MALFORMED", Code::kInvalidArgument, kNoRetry,
     "a field is not of its form (resource name, number, control character)"},
    {"FIELD_OUT_OF_RANGE", Code::kInvalidArgument, kNoRetry,
     "a count, share or length of time is outside its limits"},
    {"TIME_NOT_IN_FUTURE", Code::kInvalidArgument, kNoRetry, "an `expire_time` that is past"},
    {"PAGE_TOKEN_INVALID", Code::kInvalidArgument, kNoRetry, "a page token that no response gave"},
    {"MESSAGE_TOO_LARGE", Code::kResourceExhausted, kNoRetry,
     "the request has more bytes than the gateway takes (`[grpc] max_message_bytes`)"},
    {"MESSAGE_MALFORMED", Code::kInvalidArgument, kNoRetry, "the request is no message of its type"},
    {"TOKEN_MISSING", Code::kUnauthenticated, kNoRetry,
     "the gateway asks for a token (`authorization: Bearer ...`), and there is none"},
    {"TOKEN_UNKNOWN", Code::kUnauthenticated, kNoRetry,
     "the token is none that the gateway knows (any more)"},
    {"TOKEN_EXPIRED", Code::kUnauthenticated, kNoRetry, "the token's `expire_time` has come"},
    {"TOKEN_CHANGED", Code::kUnavailable, kRetry,
     "what the token allows was changed while the stream was open: begin it again"},
    {"SCOPE_MISSING", Code::kPermissionDenied, kNoRetry,
     "the token does not have the scope the method needs"},
    {"POOL_NOT_ALLOWED", Code::kPermissionDenied, kNoRetry,
     "the pool is none of the token's; whether it exists is not said"},
    {"POOL_NOT_FOUND", Code::kNotFound, kNoRetry, "no pool of that name"},
    {"LEASE_NOT_FOUND", Code::kNotFound, kNoRetry, "the visit holds no number in that pool"},
    {"CALL_NOT_FOUND", Code::kNotFound, kNoRetry, "the log knows no such call, or no more"},
    {"POOL_EXHAUSTED", Code::kResourceExhausted, kRetry, "no number is free, and the pool shows no fallback"},
    {"POOL_FULL", Code::kResourceExhausted, kNoRetry, "the pool has no room for more numbers"},
    {"NUMBER_ELSEWHERE", Code::kFailedPrecondition, kNoRetry,
     "the configuration gives the number to another pool or use"},
    {"NUMBER_NOT_IN_POOL", Code::kNotFound, kNoRetry, "the pool does not lend that number"},
    {"STORE_UNAVAILABLE", Code::kUnavailable, kRetry,
     "the pool requires the store's word, and there is none"},
    {"STORE_BUSY", Code::kUnavailable, kRetry, "too many requests are waiting for the store"},
    {"TOO_MANY_REQUESTS", Code::kResourceExhausted, kRetry,
     "this client has as many requests under way as one may (`[grpc] max_requests_per_client`)"},
    {"STREAM_START_MISSING", Code::kInvalidArgument, kNoRetry, "a stream's first message is no start"},
    {"STREAM_START_REPEATED", Code::kInvalidArgument, kNoRetry, "a stream was started twice"},
    {"TOO_MANY_STREAMS", Code::kResourceExhausted, kRetry,
     "as many streams as the gateway serves, to all or to one client, are open"},
    {"CURSOR_TRIMMED", Code::kOutOfRange, kNoRetry, "the log no longer reaches back to the cursor"},
    {"CURSOR_MALFORMED", Code::kInvalidArgument, kNoRetry, "the cursor is none of this log's"},
    {"LOG_UNAVAILABLE", Code::kUnavailable, kRetry, "the event log cannot be read now"},
    {"SUBSCRIPTION_OPEN_OTHERWISE", Code::kFailedPrecondition, kNoRetry,
     "the subscription is open in another mode or with another filter"},
    {"TOO_MANY_SUBSCRIPTIONS", Code::kResourceExhausted, kNoRetry,
     "as many subscriptions as the gateway keeps exist"},
    {"ACKNOWLEDGEMENT_OVERDUE", Code::kResourceExhausted, kRetry,
     "others wait for events that this stream has not acknowledged"},
    {"DRAINING", Code::kUnavailable, kRetry,
     "the gateway is stopping: go on with another, or with this one later"},
    {"DEADLINE_PASSED", Code::kDeadlineExceeded, kNoRetry, "the deadline had passed before the work began"},
    {"CALLER_GONE", Code::kCancelled, kNoRetry, "the client cancelled"},
}};

/// The longest text from a request that an error repeats: the whole error travels in an HTTP/2 trailer, and
/// clients accept 8 KiB of those.
constexpr std::size_t kMaxEcho = 256;

std::string echo(std::string_view text) {
  if (text.size() <= kMaxEcho) return std::string(text);
  std::size_t end = kMaxEcho;
  // Not in the middle of a UTF-8 sequence: the metadata is a proto3 string.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

Error make(Reason reason, std::string message, std::map<std::string, std::string> metadata = {},
           std::optional<pool::Duration> retry_after = std::nullopt) {
  return {reason, std::move(message), std::move(metadata), retry_after};
}

std::string quoted(std::string_view text) { return "\"" + echo(text) + "\""; }

/// What a reader is to do when the stream ends that has come to `cursor`; empty when it has come nowhere.
std::string go_on_later(std::string_view cursor) {
  return cursor.empty() ? "begin again later" : "go on after cursor " + quoted(cursor) + " later";
}

}  // namespace

std::string element(std::string_view field, std::size_t index) {
  return std::string(field) + "[" + std::to_string(index + 1) + "]";
}

std::string element(std::string_view field, std::string_view key) {
  return std::string(field) + "[" + quoted(key) + "]";
}

const ReasonSpec& reason_spec(Reason reason) { return kSpecs[static_cast<std::size_t>(reason)]; }

Error field_required(std::string_view field) {
  return make(Reason::kFieldRequired, std::string(field) + " is required", {{"field", std::string(field)}});
}

Error field_too_long(std::string_view field, std::size_t bytes, std::size_t max_bytes) {
  return make(
      Reason::kFieldTooLong,
      std::string(field) + " has " + std::to_string(bytes) + " bytes; at most " + std::to_string(max_bytes),
      {{"field", std::string(field)},
       {"bytes", std::to_string(bytes)},
       {"max_bytes", std::to_string(max_bytes)}});
}

Error field_malformed(std::string_view field, std::string_view expected) {
  return make(Reason::kFieldMalformed, std::string(field) + " must be " + std::string(expected),
              {{"field", std::string(field)}, {"expected", std::string(expected)}});
}

Error field_malformed(std::string_view field, std::string_view expected, std::string_view given) {
  Error error = field_malformed(field, expected);
  error.message += ", not " + quoted(given);
  error.metadata["given"] = echo(given);
  return error;
}

Error field_out_of_range(std::string_view field, std::string_view range) {
  return make(Reason::kFieldOutOfRange, std::string(field) + " must be " + std::string(range),
              {{"field", std::string(field)}, {"range", std::string(range)}});
}

Error time_not_in_future(std::string_view field) {
  return make(Reason::kTimeNotInFuture, std::string(field) + " must be in the future",
              {{"field", std::string(field)}});
}

Error page_token_invalid() {
  return make(Reason::kPageTokenInvalid, "page_token must be the next_page_token of an earlier response",
              {{"field", "page_token"}});
}

Error message_too_large(std::size_t bytes, std::size_t max_bytes) {
  return make(Reason::kMessageTooLarge,
              "the request has " + std::to_string(bytes) + " bytes; at most " + std::to_string(max_bytes),
              {{"bytes", std::to_string(bytes)}, {"max_bytes", std::to_string(max_bytes)}});
}

Error message_malformed() {
  return make(Reason::kMessageMalformed, "the request cannot be read as a message of its type");
}

Error token_missing() {
  return make(Reason::kTokenMissing, "a token is required: metadata \"authorization: Bearer TOKEN\"");
}

Error token_unknown() { return make(Reason::kTokenUnknown, "the token is not known to this gateway"); }

Error token_expired(std::string_view token_name) {
  return make(Reason::kTokenExpired, "token " + quoted(token_name) + " has expired",
              {{"token", echo(token_name)}});
}

Error token_changed(std::string_view token_name) {
  return make(Reason::kTokenChanged,
              "what token " + quoted(token_name) + " allows has changed; begin the stream again",
              {{"token", echo(token_name)}}, milliseconds(100));
}

Error scope_missing(std::string_view token_name, std::string_view scope) {
  return make(Reason::kScopeMissing,
              "token " + quoted(token_name) + " does not have the scope " + quoted(scope),
              {{"token", echo(token_name)}, {"scope", std::string(scope)}});
}

Error pool_not_allowed(std::string_view token_name, std::string_view pool) {
  return make(Reason::kPoolNotAllowed, "token " + quoted(token_name) + " is not for pool " + quoted(pool),
              {{"token", echo(token_name)}, {"pool", echo(pool)}});
}

Error all_pools_needed(std::string_view token_name) {
  return make(Reason::kPoolNotAllowed,
              "token " + quoted(token_name) + " is for some pools; this needs one for all of them",
              {{"token", echo(token_name)}});
}

Error not_of_pools(std::string_view token_name) {
  return make(Reason::kPoolNotAllowed,
              "token " + quoted(token_name) + " is not for the pool that this belongs to, or it is of none",
              {{"token", echo(token_name)}});
}

Error one_pool_needed(std::string_view token_name) {
  Error error = field_required("pool");
  error.message += ": token " + quoted(token_name) + " is for several, and calls are listed of one";
  error.metadata["token"] = echo(token_name);
  return error;
}

Error pool_not_found(std::string_view pool) {
  return make(Reason::kPoolNotFound, "there is no pool " + quoted(pool), {{"pool", echo(pool)}});
}

Error lease_not_found(std::string_view pool, std::string_view visit_id) {
  return make(Reason::kLeaseNotFound,
              "visit " + quoted(visit_id) + " holds no number of pool " + quoted(pool),
              {{"pool", echo(pool)}, {"visit_id", echo(visit_id)}});
}

Error call_not_found(std::string_view call_id) {
  return make(Reason::kCallNotFound, "there is no call " + quoted(call_id) + " in the log",
              {{"call_id", echo(call_id)}});
}

Error pool_exhausted(std::string_view pool, pool::Duration retry_after) {
  return make(Reason::kPoolExhausted, "pool " + quoted(pool) + " has no free number", {{"pool", echo(pool)}},
              retry_after);
}

Error pool_full(std::string_view pool, std::size_t added, std::size_t left_out) {
  return make(Reason::kPoolFull,
              "pool " + quoted(pool) + " took " + std::to_string(added) + " numbers and has no room for " +
                  std::to_string(left_out) + " more; its room is fixed when the gateway starts",
              {{"pool", echo(pool)},
               {"added_count", std::to_string(added)},
               {"left_out_count", std::to_string(left_out)}});
}

Error number_elsewhere(std::string_view number) {
  return make(Reason::kNumberElsewhere, std::string(number) + " belongs to another pool or use",
              {{"number", std::string(number)}});
}

Error number_not_in_pool(std::string_view pool, std::string_view number) {
  return make(Reason::kNumberNotInPool, std::string(number) + " is not lent by pool " + quoted(pool),
              {{"pool", echo(pool)}, {"number", std::string(number)}});
}

Error numbers_not_kept(std::string_view pool) {
  return make(Reason::kStoreUnavailable,
              "the change to pool " + quoted(pool) + " cannot be kept now, and was not made",
              {{"pool", echo(pool)}}, seconds(1));
}

Error store_unavailable(std::string_view pool) {
  return make(Reason::kStoreUnavailable,
              "pool " + quoted(pool) + " requires the store's word, and there is none now",
              {{"pool", echo(pool)}}, seconds(1));
}

Error store_busy(std::string_view pool) {
  return make(Reason::kStoreBusy, "too many requests wait for the store of pool " + quoted(pool),
              {{"pool", echo(pool)}}, milliseconds(200));
}

Error too_many_requests(std::size_t limit) {
  return make(Reason::kTooManyRequests,
              "this client has " + std::to_string(limit) + " requests under way, which is the limit",
              {{"limit", std::to_string(limit)}}, milliseconds(200));
}

Error stream_start_missing() {
  return make(Reason::kStreamStartMissing, "the first message of the stream must be a start",
              {{"field", "start"}});
}

Error stream_start_repeated() {
  return make(Reason::kStreamStartRepeated, "the stream has been started already", {{"field", "start"}});
}

Error too_many_streams(std::size_t limit) {
  return make(Reason::kTooManyStreams,
              "the gateway serves at most " + std::to_string(limit) + " streams at one time",
              {{"limit", std::to_string(limit)}}, seconds(5));
}

Error too_many_streams_of_client(std::size_t limit) {
  return make(Reason::kTooManyStreams,
              "this client has " + std::to_string(limit) + " streams open, which is the limit",
              {{"limit", std::to_string(limit)}}, seconds(5));
}

Error cursor_trimmed(std::string_view cursor, std::string_view oldest_cursor) {
  return make(
      Reason::kCursorTrimmed,
      "the log no longer reaches back to cursor " + quoted(cursor) + "; go on after " + quoted(oldest_cursor),
      {{"cursor", echo(cursor)}, {"oldest_cursor", echo(oldest_cursor)}});
}

Error cursor_malformed(std::string_view cursor) {
  return make(Reason::kCursorMalformed, "cursor " + quoted(cursor) + " was not given by this log",
              {{"cursor", echo(cursor)}});
}

Error log_unavailable(std::string_view cursor) {
  return make(Reason::kLogUnavailable, "the event log cannot be read now; " + go_on_later(cursor),
              {{"cursor", echo(cursor)}}, seconds(1));
}

Error calls_unavailable() {
  return make(Reason::kLogUnavailable, "the log of calls cannot be read now", {}, seconds(1));
}

Error subscription_open_otherwise(std::string_view subscription, std::string_view mode) {
  return make(Reason::kSubscriptionOpenOtherwise,
              "subscription " + quoted(subscription) + " is open as " + std::string(mode) +
                  "; its streams must agree in mode and, shared, in pools and types",
              {{"subscription", echo(subscription)}, {"mode", std::string(mode)}});
}

Error too_many_subscriptions(std::string_view subscription) {
  return make(Reason::kTooManySubscriptions,
              "subscription " + quoted(subscription) + " would be one more than the gateway keeps",
              {{"subscription", echo(subscription)}});
}

Error acknowledgement_overdue(std::string_view subscription, std::string_view cursor) {
  return make(Reason::kAcknowledgementOverdue,
              "other streams of subscription " + quoted(subscription) +
                  " waited for this one to acknowledge " + quoted(cursor) + "; they have its events now",
              {{"subscription", echo(subscription)}, {"cursor", echo(cursor)}}, seconds(1));
}

Error draining(std::string_view cursor) {
  return make(Reason::kDraining, "the gateway is stopping; " + go_on_later(cursor),
              {{"cursor", echo(cursor)}}, seconds(1));
}

Error deadline_passed() {
  return make(Reason::kDeadlinePassed, "the deadline had passed before the request was looked at");
}

Error caller_gone() { return make(Reason::kCallerGone, "the client cancelled the call"); }

}  // namespace ringtrace::rpc
