#include "grpc/call_core.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <variant>

#include "grpc/validation.h"
#include "pool/visit.h"
#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

constexpr std::size_t kMaxCallIdBytes = 128;
constexpr std::size_t kMaxTokenBytes = 256;
constexpr std::size_t kMaxCallerBytes = 256;

/// FNV-1a of what is asked, but for the page: a token is good for its own question only.
std::uint64_t question_of(v1::ListCallsRequest request) {
  request.clear_page_size();
  request.clear_page_token();
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : request.SerializeAsString()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  }
  return hash;
}

/// "question.start_ms.call_id"
std::string to_token(std::uint64_t question, const CallPlace& place) {
  return std::to_string(question) + "." + std::to_string(place.start.time_since_epoch().count()) + "." +
         place.call_id;
}

std::optional<CallPlace> from_token(std::uint64_t question, const std::string& token) {
  const std::string head = std::to_string(question) + ".";
  if (token.size() > kMaxTokenBytes || !token.starts_with(head)) return std::nullopt;
  const char* const end = token.data() + token.size();
  std::int64_t start = 0;
  const auto parsed = std::from_chars(token.data() + head.size(), end, start);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') return std::nullopt;
  return CallPlace{pool::Time{pool::Duration(start)}, std::string(parsed.ptr + 1, end)};
}

std::variant<CallQuery, Error> check(const v1::ListCallsRequest& request) {
  CallQuery query;
  if (request.page_size() < 0) return field_out_of_range("page_size", "at least 0");
  const std::int32_t size = request.page_size() == 0 ? CallCore::kDefaultPageSize : request.page_size();
  query.max = static_cast<std::size_t>(std::min(size, CallCore::kMaxPageSize));
  if (request.has_start_time()) {
    const Checked<pool::Time> time = check_time("start_time", request.start_time());
    if (const Error* error = std::get_if<Error>(&time)) return *error;
    query.from = std::get<pool::Time>(time);
  }
  if (request.has_end_time()) {
    const Checked<pool::Time> time = check_time("end_time", request.end_time());
    if (const Error* error = std::get_if<Error>(&time)) return *error;
    query.until = std::get<pool::Time>(time);
  }
  // Not looked up: calls to a pool that is gone are still in the log.
  if (!request.pool().empty() && pool_name_of(request.pool()).empty()) {
    return field_malformed("pool", kPoolForm, request.pool());
  }
  query.pool = request.pool();
  if (!request.dialed_number().empty()) {
    const Checked<pool::Number> number = check_number("dialed_number", request.dialed_number());
    if (const Error* error = std::get_if<Error>(&number)) return *error;
    query.dialed_number = std::get<pool::Number>(number).to_string();
  }
  if (request.source().size() > pool::Source::kMaxBytes) {
    return field_too_long("source", request.source().size(), pool::Source::kMaxBytes);
  }
  query.source = request.source();
  if (!v1::CallOutcome_IsValid(request.outcome())) return field_malformed("outcome", "a CallOutcome");
  query.outcome = request.outcome();
  if (!request.page_token().empty()) {
    query.after = from_token(question_of(request), request.page_token());
    if (!query.after) return page_token_invalid();
  }
  return query;
}

}  // namespace

void CallCore::list_calls(const v1::ListCallsRequest& request, v1::ListCallsResponse& response, Done done) {
  auto query = check(request);
  if (const Error* error = std::get_if<Error>(&query)) return done(*error);
  index_.search(std::get<CallQuery>(std::move(query)),
                [&request, &response, done = std::move(done)](CallPage page) {
                  if (page.status != LogStatus::kOk) return done(calls_unavailable());
                  for (v1::Call& call : page.calls) response.add_calls()->Swap(&call);
                  if (page.next) response.set_next_page_token(to_token(question_of(request), *page.next));
                  done(std::nullopt);
                });
}

void CallCore::get_call(const v1::GetCallRequest& request, v1::GetCallResponse& response, Done done) {
  const std::string& call_id = request.call_id();
  if (call_id.empty()) return done(field_required("call_id"));
  if (call_id.size() > kMaxCallIdBytes) {
    return done(field_too_long("call_id", call_id.size(), kMaxCallIdBytes));
  }
  index_.find(call_id, [&request, &response, done = std::move(done)](FoundCall found) {
    if (found.status != LogStatus::kOk) return done(calls_unavailable());
    if (!found.call) return done(call_not_found(request.call_id()));
    response.mutable_call()->Swap(&*found.call);
    done(std::nullopt);
  });
}

void CallCore::erase_caller(const v1::EraseCallerRequest& request, v1::EraseCallerResponse& response,
                            Done done) {
  const std::string& caller = request.caller();
  if (caller.empty()) return done(field_required("caller"));
  if (caller.size() > kMaxCallerBytes) return done(field_too_long("caller", caller.size(), kMaxCallerBytes));
  if (Outcome error = check_request_id(request.request_id())) return done(error);
  eraser_.erase(caller, request.rewrite_append_only_file(),
                [&response, done = std::move(done)](const Erasure& erasure) {
                  if (erasure.status != LogStatus::kOk) return done(calls_unavailable());
                  response.set_erased_call_count(static_cast<std::int64_t>(erasure.calls));
                  response.set_append_only_file_rewrite_started(erasure.is_rewriting);
                  done(std::nullopt);
                });
}

}  // namespace ringtrace::rpc
