#include "grpc/call_core.h"

#include <catch2/catch.hpp>
#include <string>

#include "proto/from_pool.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

v1::Call call_named(const std::string& id) {
  v1::Call call;
  call.set_call_id(id);
  call.mutable_resolution()->add_candidates()->set_visit_id("v-1");
  call.mutable_resolution()->add_candidates()->set_visit_id("v-2");
  return call;
}

struct Listed {
  grpc::Status status;
  v1::ListCallsResponse response;
};

Listed list(Harness& harness, const v1::ListCallsRequest& request) {
  Context context;
  Listed listed;
  listed.status = harness.calls->ListCalls(&context, request, &listed.response);
  return listed;
}

std::string refused_field(Harness& harness, const v1::ListCallsRequest& request) {
  const grpc::Status status = list(harness, request).status;
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  return error_info(status).metadata().at("field");
}

constexpr pool::Time kNoon{std::chrono::milliseconds(1'772'366'400'000)};

}  // namespace

TEST_CASE("calls are listed by everything that was asked, a page at a time") {
  Harness harness;
  harness.call_index.page.status = LogStatus::kOk;
  harness.call_index.page.calls = {call_named("c-2"), call_named("c-1")};
  harness.call_index.page.next = CallPlace{kNoon, "c-1"};
  v1::ListCallsRequest request;
  request.set_page_size(2);
  *request.mutable_start_time() = to_timestamp(kNoon - std::chrono::hours(1));
  *request.mutable_end_time() = to_timestamp(kNoon + std::chrono::hours(1));
  request.set_pool("pools/main");
  request.set_dialed_number("74950000001");
  request.set_source("google/cpc");
  request.set_outcome(v1::CALL_OUTCOME_BUSY);

  const Listed first = list(harness, request);
  REQUIRE(first.status.ok());
  REQUIRE(first.response.calls_size() == 2);
  CHECK(first.response.calls(0).call_id() == "c-2");
  const CallQuery& asked = harness.call_index.asked;
  CHECK(asked.max == 2);
  CHECK(asked.from == kNoon - std::chrono::hours(1));
  CHECK(asked.until == kNoon + std::chrono::hours(1));
  CHECK(asked.pool == "pools/main");
  CHECK(asked.dialed_number == "+74950000001");
  CHECK(asked.source == "google/cpc");
  CHECK(asked.outcome == v1::CALL_OUTCOME_BUSY);
  CHECK_FALSE(asked.after.has_value());

  harness.call_index.page.next.reset();
  request.set_page_token(first.response.next_page_token());
  request.set_page_size(7);  // the page may be of another size
  const Listed second = list(harness, request);
  REQUIRE(second.status.ok());
  REQUIRE(harness.call_index.asked.after.has_value());
  CHECK(harness.call_index.asked.after->start == kNoon);
  CHECK(harness.call_index.asked.after->call_id == "c-1");
  CHECK(second.response.next_page_token().empty());

  request.set_source("bing/cpc");
  const grpc::Status other = list(harness, request).status;
  CHECK(error_info(other).reason() == "PAGE_TOKEN_INVALID");
}

TEST_CASE("a question that cannot be meant is refused by its field") {
  Harness harness;
  harness.call_index.page.status = LogStatus::kOk;
  v1::ListCallsRequest request;
  SECTION("page_size") {
    request.set_page_size(-1);
    CHECK(refused_field(harness, request) == "page_size");
  }
  SECTION("page_token") {
    request.set_page_token("1.2.3");
    CHECK(refused_field(harness, request) == "page_token");
  }
  SECTION("pool") {
    request.set_pool("main");
    CHECK(refused_field(harness, request) == "pool");
  }
  SECTION("dialed_number") {
    request.set_dialed_number("reception");
    CHECK(refused_field(harness, request) == "dialed_number");
  }
  SECTION("source") {
    request.set_source(std::string(65, 'x'));
    CHECK(refused_field(harness, request) == "source");
  }
  SECTION("outcome") {
    request.set_outcome(static_cast<v1::CallOutcome>(99));
    CHECK(refused_field(harness, request) == "outcome");
  }
  SECTION("start_time") {
    request.mutable_start_time()->set_nanos(-1);
    CHECK(refused_field(harness, request) == "start_time");
  }
}

TEST_CASE("a page holds a hundred calls when nothing is said, and a thousand at most") {
  Harness harness;
  harness.call_index.page.status = LogStatus::kOk;
  v1::ListCallsRequest request;
  REQUIRE(list(harness, request).status.ok());
  CHECK(harness.call_index.asked.max == 100);
  request.set_page_size(5000);
  REQUIRE(list(harness, request).status.ok());
  CHECK(harness.call_index.asked.max == 1000);
}

TEST_CASE("one call is told with all its candidates, an unknown one is not found") {
  Harness harness;
  harness.call_index.page.status = LogStatus::kOk;
  harness.call_index.page.calls = {call_named("c-1")};
  Context found_context;
  v1::GetCallRequest request;
  request.set_call_id("c-1");
  v1::GetCallResponse response;
  REQUIRE(harness.calls->GetCall(&found_context, request, &response).ok());
  CHECK(response.call().resolution().candidates_size() == 2);

  Context unknown_context;
  request.set_call_id("c-9");
  const grpc::Status unknown = harness.calls->GetCall(&unknown_context, request, &response);
  CHECK(unknown.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(error_info(unknown).reason() == "CALL_NOT_FOUND");
  CHECK(error_info(unknown).metadata().at("call_id") == "c-9");

  Context empty_context;
  const grpc::Status empty = harness.calls->GetCall(&empty_context, {}, &response);
  CHECK(error_info(empty).metadata().at("field") == "call_id");
}

TEST_CASE("calls cannot be told while the log is away, and it says when to ask again") {
  Harness harness;
  harness.call_index.page.status = LogStatus::kUnavailable;
  const grpc::Status status = list(harness, {}).status;
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(status).reason() == "LOG_UNAVAILABLE");
  CHECK(retry_delay(status) > std::chrono::milliseconds(0));
  Context context;
  v1::GetCallRequest request;
  request.set_call_id("c-1");
  v1::GetCallResponse response;
  CHECK(harness.calls->GetCall(&context, request, &response).error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("erasing a caller tells how many calls lost something, and refuses what is no caller") {
  Harness harness;
  harness.eraser.answer = {LogStatus::kOk, 7, true};
  v1::EraseCallerRequest request;
  request.set_caller("+12025550190");
  request.set_rewrite_append_only_file(true);
  v1::EraseCallerResponse response;
  Context context;
  REQUIRE(harness.calls->EraseCaller(&context, request, &response).ok());
  CHECK(harness.eraser.asked == "+12025550190");
  CHECK(harness.eraser.asked_to_rewrite);
  CHECK(response.erased_call_count() == 7);
  CHECK(response.append_only_file_rewrite_started());

  Context empty_context;
  const grpc::Status empty = harness.calls->EraseCaller(&empty_context, {}, &response);
  CHECK(error_info(empty).reason() == "FIELD_REQUIRED");
  Context long_context;
  request.set_caller(std::string(257, '1'));
  const grpc::Status too_long = harness.calls->EraseCaller(&long_context, request, &response);
  CHECK(error_info(too_long).reason() == "FIELD_TOO_LONG");

  harness.eraser.answer = {};
  Context away_context;
  request.set_caller("+12025550190");
  const grpc::Status away = harness.calls->EraseCaller(&away_context, request, &response);
  CHECK(away.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(retry_delay(away) > std::chrono::milliseconds(0));
}

}  // namespace ringtrace::rpc::testing
