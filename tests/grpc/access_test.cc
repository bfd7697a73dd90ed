#include "grpc/access.h"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

TokenGrant grant(const std::string& name, const std::string& token, std::vector<Scope> scopes,
                 std::vector<std::string> pools = {}) {
  return {name, hash_token(token), std::move(scopes), std::move(pools), std::nullopt};
}

ServerConfig with_tokens() {
  ServerConfig config;
  config.tokens = std::vector{grant("shop", "shop-secret", {Scope::kLease}, {"main"}),
                              grant("crm", "crm-secret", {Scope::kRead}, {"main"}),
                              grant("all", "all-secret", {Scope::kLease, Scope::kRead, Scope::kAdmin}),
                              grant("keeper", "keeper-secret", {Scope::kAdmin}, {"main"})};
  return config;
}

/// A context that shows a token; none when it is empty.
struct Bearer : Context {
  explicit Bearer(const std::string& token) {
    if (!token.empty()) AddMetadata("authorization", "Bearer " + token);
  }
};

grpc::Status lease(Harness& harness, const std::string& token, const std::string& pool = "pools/main") {
  v1::LeaseNumberRequest request;
  request.set_parent(pool);
  request.mutable_visit()->set_visit_id("v-1");
  Bearer context(token);
  v1::LeaseNumberResponse response;
  return harness.leases->LeaseNumber(&context, request, &response);
}

grpc::Status resolve(Harness& harness, const std::string& token, const std::string& number) {
  v1::ResolveNumberRequest request;
  request.set_dialed_number(number);
  Bearer context(token);
  v1::ResolveNumberResponse response;
  return harness.pool_service->ResolveNumber(&context, request, &response);
}

TEST_CASE("a hash of a token is its SHA-256") {
  // FIPS 180-2, appendix B.1.
  CHECK(to_string(hash_token("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(parse_token_hash(to_string(hash_token("abc"))) == hash_token("abc"));
  CHECK_FALSE(parse_token_hash("ba78"));
  CHECK_FALSE(parse_token_hash(std::string(64, 'g')));
}

TEST_CASE("where tokens are asked for, each wrong one has its own error") {
  Harness harness(nullptr, with_tokens());
  CHECK(lease(harness, "shop-secret").ok());

  const grpc::Status missing = lease(harness, "");
  CHECK(missing.error_code() == grpc::StatusCode::UNAUTHENTICATED);
  CHECK(error_info(missing).reason() == "TOKEN_MISSING");

  const grpc::Status unknown = lease(harness, "shop-secres");
  CHECK(unknown.error_code() == grpc::StatusCode::UNAUTHENTICATED);
  CHECK(error_info(unknown).reason() == "TOKEN_UNKNOWN");
  CHECK(unknown.error_message().find("shop-secres") == std::string::npos);

  const grpc::Status scope = lease(harness, "crm-secret");
  CHECK(scope.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CHECK(error_info(scope).reason() == "SCOPE_MISSING");
  CHECK(error_info(scope).metadata().at("scope") == "lease");

  for (const char* pool : {"pools/strict", "pools/none"}) {
    const grpc::Status foreign = lease(harness, "shop-secret", pool);
    CHECK(foreign.error_code() == grpc::StatusCode::PERMISSION_DENIED);
    CHECK(error_info(foreign).reason() == "POOL_NOT_ALLOWED");
  }
  CHECK(harness.server.statistics().errors.size() == 4);
}

TEST_CASE("a token is refused from its expire time on") {
  ServerConfig config;
  TokenGrant shop = grant("shop", "shop-secret", {Scope::kLease});
  ManualClock clock;
  shop.expire_time = clock.now() + std::chrono::seconds(10);
  AccessControl control(TokenTable({shop}), {}, clock);
  const auto ask = [&] { return control.admit(Method::kGetLease, "bearer shop-secret", "ipv4:192.0.2.1:1"); };
  CHECK(std::holds_alternative<Ticket>(ask()));
  clock.advance(std::chrono::seconds(10));
  const auto refused = ask();
  REQUIRE(std::holds_alternative<Error>(refused));
  CHECK(std::get<Error>(refused).reason == Reason::kTokenExpired);
}

TEST_CASE("an answer tells of the token's pools only") {
  Harness harness(nullptr, with_tokens());
  const auto pools_of = [&](const std::string& token) {
    Bearer context(token);
    v1::ListPoolsResponse response;
    REQUIRE(harness.pool_service->ListPools(&context, {}, &response).ok());
    std::vector<std::string> names;
    for (const v1::Pool& pool : response.pools()) names.push_back(pool.name());
    return names;
  };
  CHECK(pools_of("crm-secret") == std::vector<std::string>{"pools/main"});
  CHECK(pools_of("all-secret").size() == 2);

  CHECK(resolve(harness, "crm-secret", "+74950000001").ok());
  CHECK(resolve(harness, "all-secret", "+78120000001").ok());
  const grpc::Status anothers = resolve(harness, "crm-secret", "+78120000001");
  const grpc::Status nobodys = resolve(harness, "crm-secret", "+78129999999");
  CHECK(error_info(anothers).reason() == "POOL_NOT_ALLOWED");
  CHECK(anothers.error_message().find("strict") == std::string::npos);
  // Neither is told from the other.
  CHECK(anothers.error_details() == nobodys.error_details());
}

TEST_CASE("a stream brings the events of the token's pools only") {
  Harness harness(nullptr, with_tokens());
  for (const char* pool : {"pools/strict", "pools/main"}) {
    v1::CallEvent event;
    event.set_event_id(pool);
    event.mutable_call()->mutable_resolution()->set_pool(pool);
    harness.log.append(event);
  }
  Bearer context("crm-secret");
  const auto stream = harness.calls->StreamCallEvents(&context);
  v1::StreamCallEventsRequest start;
  start.mutable_start()->set_oldest(true);
  REQUIRE(stream->Write(start));
  v1::StreamCallEventsResponse response;
  REQUIRE(stream->Read(&response));
  CHECK(response.event().event_id() == "pools/main");
  context.TryCancel();
  stream->Finish();
}

TEST_CASE("of many asks those for the token's pools are answered, and each other one is refused") {
  Harness harness(nullptr, with_tokens());
  Bearer context("shop-secret");
  const auto stream = harness.leases->LeaseNumbers(&context);
  v1::LeaseNumbersRequest request;
  for (const char* pool : {"pools/strict", "pools/main"}) {
    v1::LeaseNumberRequest& ask = *request.add_asks()->mutable_request();
    ask.set_parent(pool);
    ask.mutable_visit()->set_visit_id("v-1");
  }
  REQUIRE(stream->Write(request));
  v1::LeaseNumbersResponse response;
  REQUIRE(stream->Read(&response));
  REQUIRE(response.results_size() == 2);
  CHECK(response.results(0).error().reason() == "POOL_NOT_ALLOWED");
  CHECK(response.results(1).has_lease());
  // Taken away, the token lets no further ask through.
  harness.server.replace_tokens(std::vector{grant("crm", "crm-secret", {Scope::kRead})});
  REQUIRE(stream->Write(request));
  REQUIRE(stream->Read(&response));
  REQUIRE(response.results_size() == 2);
  CHECK(response.results(1).error().reason() == "TOKEN_UNKNOWN");
  context.TryCancel();
  stream->Finish();
}

TEST_CASE("a stream ends when its token is taken away") {
  Harness harness(nullptr, with_tokens());
  Bearer context("crm-secret");
  const auto stream = harness.calls->StreamCallEvents(&context);
  v1::StreamCallEventsRequest start;
  start.mutable_start()->set_oldest(true);
  REQUIRE(stream->Write(start));
  stream->WaitForInitialMetadata();
  harness.server.replace_tokens(std::vector{grant("shop", "shop-secret", {Scope::kLease})});
  v1::CallEvent event;
  event.set_event_id("secret");
  event.mutable_call()->mutable_resolution()->set_pool("pools/main");
  harness.log.append(event);
  v1::StreamCallEventsResponse response;
  CHECK_FALSE(stream->Read(&response));
  CHECK(error_info(stream->Finish()).reason() == "TOKEN_UNKNOWN");
}

TEST_CASE("one client has only so much under way, and others are not held back by it") {
  ManualClock clock;
  AccessControl control(TokenTable(*with_tokens().tokens), {.max_requests = 2, .max_streams = 1}, clock);
  const auto ask = [&](const std::string& token) {
    return control.admit(Method::kLeaseNumber, "Bearer " + token, "ipv4:192.0.2.1:1");
  };
  std::optional<std::variant<Ticket, Error>> first = ask("shop-secret");
  const auto second = ask("shop-secret");
  REQUIRE(std::holds_alternative<Ticket>(second));
  const auto third = ask("shop-secret");
  REQUIRE(std::holds_alternative<Error>(third));
  CHECK(std::get<Error>(third).reason == Reason::kTooManyRequests);
  CHECK(std::get<Error>(third).retry_after);
  CHECK(std::holds_alternative<Ticket>(ask("all-secret")));
  first.reset();
  CHECK(std::holds_alternative<Ticket>(ask("shop-secret")));
}

TEST_CASE("without tokens a client is the address it comes from") {
  ManualClock clock;
  AccessControl control(std::nullopt, {.max_requests = 1, .max_streams = 1}, clock);
  const auto one = control.admit(Method::kGetLease, std::nullopt, "ipv4:192.0.2.1:1000");
  CHECK(std::holds_alternative<Ticket>(one));
  CHECK(std::holds_alternative<Error>(control.admit(Method::kGetLease, std::nullopt, "ipv4:192.0.2.1:1001")));
  CHECK(
      std::holds_alternative<Ticket>(control.admit(Method::kGetLease, std::nullopt, "ipv4:192.0.2.2:1000")));
}

TEST_CASE("a client's streams are counted while they are open") {
  ServerConfig config;
  config.client_limits.max_streams = 1;
  Harness harness(nullptr, config);
  v1::StreamCallEventsRequest start;
  start.mutable_start()->set_oldest(true);
  Context first;
  const auto open = harness.calls->StreamCallEvents(&first);
  REQUIRE(open->Write(start));
  open->WaitForInitialMetadata();
  Context second;
  const auto refused = harness.calls->StreamCallEvents(&second);
  v1::StreamCallEventsResponse response;
  CHECK_FALSE(refused->Read(&response));
  const grpc::Status status = refused->Finish();
  CHECK(error_info(status).reason() == "TOO_MANY_STREAMS");
  CHECK(retry_delay(status) > std::chrono::milliseconds(0));
  first.TryCancel();
  open->Finish();
}

TEST_CASE("a request that is too long, or none, is refused with its reason before it is looked at") {
  Harness harness;
  const auto send = [&](const std::string& bytes) {
    return call_raw(harness.channel, "/ringtrace.v1.LeaseService/LeaseNumber", bytes).status;
  };
  const grpc::Status large = send(std::string(4 * 1024 * 1024, 'x'));
  CHECK(large.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(error_info(large).reason() == "MESSAGE_TOO_LARGE");
  CHECK(error_info(large).metadata().at("bytes") == "4194304");
  const grpc::Status malformed = send("\xFF\xFF\xFF");
  CHECK(malformed.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(error_info(malformed).reason() == "MESSAGE_MALFORMED");
}

}  // namespace
TEST_CASE("only an administrator of all pools erases callers") {
  Harness harness(nullptr, with_tokens());
  harness.eraser.answer = {LogStatus::kOk, 1, false};
  const auto erase = [&](const std::string& token) {
    v1::EraseCallerRequest request;
    request.set_caller("+12025550190");
    v1::EraseCallerResponse response;
    Bearer context(token);
    return harness.calls->EraseCaller(&context, request, &response);
  };
  CHECK(error_info(erase("crm-secret")).reason() == "SCOPE_MISSING");
  CHECK(error_info(erase("keeper-secret")).reason() == "POOL_NOT_ALLOWED");
  CHECK(harness.eraser.asked.empty());
  CHECK(erase("all-secret").ok());
}

}  // namespace ringtrace::rpc::testing
