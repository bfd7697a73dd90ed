#include <google/protobuf/util/time_util.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>

#include "grpc/lease_core.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

using google::protobuf::util::TimeUtil;

Leased get(Harness& harness, const std::string& visit, const std::string& pool = "pools/main") {
  Context context;
  v1::GetLeaseRequest request;
  request.set_parent(pool);
  request.set_visit_id(visit);
  v1::GetLeaseResponse response;
  const grpc::Status status = harness.leases->GetLease(&context, request, &response);
  return {status, response.lease()};
}

Leased renew(Harness& harness, const std::string& visit, std::int64_t ttl_seconds = 0) {
  Context context;
  v1::RenewLeaseRequest request;
  request.set_parent("pools/main");
  request.set_visit_id(visit);
  if (ttl_seconds != 0) request.mutable_ttl()->set_seconds(ttl_seconds);
  v1::RenewLeaseResponse response;
  const grpc::Status status = harness.leases->RenewLease(&context, request, &response);
  return {status, response.lease()};
}

grpc::Status release(Harness& harness, const std::string& visit, const std::string& pool = "pools/main") {
  Context context;
  v1::ReleaseLeaseRequest request;
  request.set_parent(pool);
  request.set_visit_id(visit);
  v1::ReleaseLeaseResponse response;
  return harness.leases->ReleaseLease(&context, request, &response);
}

std::int64_t seconds_left(const Harness& harness, const v1::Lease& lease) {
  return lease.expire_time().seconds() -
         std::chrono::floor<std::chrono::seconds>(harness.clock.now()).time_since_epoch().count();
}

TEST_CASE("a visit is lent a number with everything a website needs to know") {
  StubStore store;
  Harness harness(&store);
  auto request = lease_request("v/1 a");
  request.mutable_visit()->set_visitor_id("browser-1");
  request.mutable_visit()->mutable_attributes()->set_utm_source("google");
  request.mutable_visit()->mutable_attributes()->set_utm_medium("cpc");
  request.set_request_id("r-1");
  request.mutable_ttl()->set_seconds(600);

  const Leased leased = lease(harness, request);
  REQUIRE(leased.status.ok());
  CHECK(leased.lease.name() == "pools/main/leases/v%2F1%20a");
  CHECK(leased.lease.visit().visit_id() == "v/1 a");
  CHECK(leased.lease.visit().visitor_id() == "browser-1");
  CHECK(leased.lease.visit().attributes().utm_source() == "google");
  CHECK(leased.lease.number().substr(0, 11) == "+7495000000");
  const std::string last = leased.lease.number().substr(11);
  CHECK(leased.lease.formats().national() == "8 (495) 000-00-0" + last);
  CHECK(leased.lease.formats().international() == "+7 495 000-00-0" + last);
  CHECK(leased.lease.formats().uri() == "tel:+7-495-000-00-0" + last);
  CHECK(leased.lease.kind() == v1::NUMBER_KIND_DYNAMIC);
  CHECK(seconds_left(harness, leased.lease) == 600);
  CHECK(leased.lease.renew_interval().seconds() == 200);
  CHECK(leased.lease.durable());
  CHECK(leased.lease.source() == "google/cpc");
}

TEST_CASE("without a store a lease says that it is not durable") {
  Harness harness;
  const Leased leased = lease(harness, lease_request());
  REQUIRE(leased.status.ok());
  CHECK_FALSE(leased.lease.durable());
}

TEST_CASE("the same visit gets the same number again, another visit another") {
  Harness harness;
  const Leased first = lease(harness, lease_request("v-1"));
  const Leased again = lease(harness, lease_request("v-1"));
  const Leased other = lease(harness, lease_request("v-2"));
  CHECK(first.lease.number() == again.lease.number());
  CHECK(first.lease.number() != other.lease.number());
}

TEST_CASE("without a ttl a lease lasts the pool's time, with an expire_time until then") {
  Harness harness;
  CHECK(seconds_left(harness, lease(harness, lease_request("v-1")).lease) == 1800);
  auto request = lease_request("v-2");
  *request.mutable_expire_time() =
      TimeUtil::MillisecondsToTimestamp(harness.clock.now().time_since_epoch().count() + 90'000);
  CHECK(seconds_left(harness, lease(harness, request).lease) == 90);
}

TEST_CASE("a lease can be read, renewed and released") {
  Harness harness;
  const std::string number = lease(harness, lease_request()).lease.number();
  CHECK(get(harness, "v-1").lease.number() == number);

  const Leased renewed = renew(harness, "v-1", 7200);
  REQUIRE(renewed.status.ok());
  CHECK(renewed.lease.number() == number);
  CHECK(seconds_left(harness, renewed.lease) == 7200);
  CHECK(seconds_left(harness, renew(harness, "v-1", 10).lease) == 7200);  // never shortened

  CHECK(release(harness, "v-1").ok());
  const Leased gone = get(harness, "v-1");
  CHECK(gone.status.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(error_info(gone.status).reason() == "LEASE_NOT_FOUND");
  CHECK(release(harness, "v-1").ok());  // what has ended already
}

TEST_CASE("a lease of an unknown visit is not found, by any method") {
  Harness harness;
  for (const grpc::Status& status :
       {get(harness, "v-9").status, renew(harness, "v-9").status, release(harness, "v-9")}) {
    CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
    const auto info = error_info(status);
    CHECK(info.reason() == "LEASE_NOT_FOUND");
    CHECK(info.metadata().at("pool") == "main");
    CHECK(info.metadata().at("visit_id") == "v-9");
  }
}

TEST_CASE("an exhausted pool shows its fallback number, the source's own where it has one") {
  Harness harness;
  for (int i = 0; i < 3; ++i) REQUIRE(lease(harness, lease_request("v-" + std::to_string(i))).status.ok());
  const Leased plain = lease(harness, lease_request("late"));
  REQUIRE(plain.status.ok());
  CHECK(plain.lease.kind() == v1::NUMBER_KIND_FALLBACK);
  CHECK(plain.lease.number() == "+74950000009");
  CHECK(plain.lease.visit().visit_id() == "late");
  CHECK(plain.lease.name().empty());
  CHECK_FALSE(plain.lease.has_expire_time());

  auto paid = lease_request("late-paid");
  paid.mutable_visit()->mutable_attributes()->set_utm_source("google");
  paid.mutable_visit()->mutable_attributes()->set_utm_medium("cpc");
  CHECK(lease(harness, paid).lease.number() == "+74950000008");
}

TEST_CASE("an exhausted pool that shows no fallback refuses and says when to try again") {
  StubStore store;
  Harness harness(&store);
  REQUIRE(lease(harness, lease_request("v-1", "pools/strict")).status.ok());
  const grpc::Status status = lease(harness, lease_request("v-2", "pools/strict")).status;
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto info = error_info(status);
  CHECK(info.reason() == "POOL_EXHAUSTED");
  CHECK(info.metadata().at("pool") == "strict");
  CHECK(retry_delay(status) == std::chrono::seconds(5));
}

TEST_CASE("a bot is shown the fallback number of a pool that has free ones") {
  Harness harness;
  auto request = lease_request();
  request.set_admission_class(v1::ADMISSION_CLASS_BOT);
  CHECK(lease(harness, request).lease.kind() == v1::NUMBER_KIND_FALLBACK);
}

TEST_CASE("while the store is away a strict pool is unavailable and the other goes on from memory") {
  StubStore store;
  Harness harness(&store);
  store.answer(pool::StoreStatus::kUnavailable);
  const grpc::Status status = lease(harness, lease_request("v-1", "pools/strict")).status;
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(status).reason() == "STORE_UNAVAILABLE");
  CHECK(retry_delay(status) == std::chrono::seconds(1));

  const Leased available = lease(harness, lease_request("v-1"));
  REQUIRE(available.status.ok());
  CHECK_FALSE(available.lease.durable());
}

TEST_CASE("a lease is answered when the store has it, and not before") {
  StubStore store;
  Harness harness(&store);
  store.hold_back(true);
  Leased leased;
  std::thread client([&] { leased = lease(harness, lease_request()); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (store.waiting() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(store.waiting() == 1);
  CHECK(harness.server.statistics().requests.empty());
  store.release_waiting();
  client.join();
  CHECK(leased.status.ok());
}

TEST_CASE("a visit with a paid click id is valuable, any other is not") {
  v1::VisitAttributes attributes;
  CHECK(admission_of(attributes) == pool::AdmissionClass::kNormal);
  (*attributes.mutable_click_ids())["unheard_of"] = "1";
  (*attributes.mutable_click_ids())["gclid"] = "";
  CHECK(admission_of(attributes) == pool::AdmissionClass::kNormal);
  (*attributes.mutable_click_ids())["yclid"] = "1";
  CHECK(admission_of(attributes) == pool::AdmissionClass::kValuable);
}

TEST_CASE("a page renews at a third of the lease, within 5 seconds and 5 minutes") {
  CHECK(renew_interval(std::chrono::seconds(600)) == std::chrono::seconds(200));
  CHECK(renew_interval(std::chrono::seconds(3)) == std::chrono::seconds(5));
  CHECK(renew_interval(std::chrono::hours(5)) == std::chrono::minutes(5));
}

/// One thing wrong with a request to lease.
struct Mistake {
  std::string what;
  std::function<void(v1::LeaseNumberRequest&)> make;
  grpc::StatusCode code;
  std::string reason;
  std::string field;
};

std::vector<Mistake> visit_mistakes() {
  using grpc::StatusCode;
  return {
      {"no pool", [](auto& r) { r.clear_parent(); }, StatusCode::INVALID_ARGUMENT, "FIELD_REQUIRED",
       "parent"},
      {"no pool's name", [](auto& r) { r.set_parent("main"); }, StatusCode::INVALID_ARGUMENT,
       "FIELD_MALFORMED", "parent"},
      {"unknown pool", [](auto& r) { r.set_parent("pools/nowhere"); }, StatusCode::NOT_FOUND,
       "POOL_NOT_FOUND", ""},
      {"no visit", [](auto& r) { r.clear_visit(); }, StatusCode::INVALID_ARGUMENT, "FIELD_REQUIRED",
       "visit.visit_id"},
      {"129 bytes of visit id", [](auto& r) { r.mutable_visit()->set_visit_id(std::string(129, 'x')); },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", "visit.visit_id"},
      {"10 kB of visit id", [](auto& r) { r.mutable_visit()->set_visit_id(std::string(10'000, 'x')); },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", "visit.visit_id"},
      {"a line break in the visit id", [](auto& r) { r.mutable_visit()->set_visit_id("a\r\nb"); },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "visit.visit_id"},
      {"a long visitor id", [](auto& r) { r.mutable_visit()->set_visitor_id(std::string(129, 'x')); },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", "visit.visitor_id"},
      {"a control character in the visitor id", [](auto& r) { r.mutable_visit()->set_visitor_id("\x01"); },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "visit.visitor_id"},
      {"3 kB of attributes",
       [](auto& r) { r.mutable_visit()->mutable_attributes()->set_utm_term(std::string(3000, 'x')); },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", "visit.attributes"},
      {"3 kB of one click id",
       [](auto& r) {
         auto& attributes = *r.mutable_visit()->mutable_attributes();
         (*attributes.mutable_click_ids())["gclid"] = std::string(3000, 'x');
       },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", R"(visit.attributes.click_ids["gclid"])"},
      {"3 kB of one extra attribute",
       [](auto& r) {
         auto& attributes = *r.mutable_visit()->mutable_attributes();
         (*attributes.mutable_extra())["short"] = "x";
         (*attributes.mutable_extra())["note"] = std::string(3000, 'x');
       },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", R"(visit.attributes.extra["note"])"},
      {"3 kB of key",
       [](auto& r) {
         auto& attributes = *r.mutable_visit()->mutable_attributes();
         (*attributes.mutable_extra())[std::string(3000, 'x')] = "x";
       },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG",
       "visit.attributes.extra[\"" + std::string(256, 'x') + "...\"]"},
      {"3 kB of many extra attributes",
       [](auto& r) {
         auto& extra = *r.mutable_visit()->mutable_attributes()->mutable_extra();
         for (int i = 0; i < 30; ++i) extra[std::to_string(i)] = std::string(100, 'x');
       },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", "visit.attributes"},
      {"a long request id", [](auto& r) { r.set_request_id(std::string(65, 'x')); },
       StatusCode::INVALID_ARGUMENT, "FIELD_TOO_LONG", "request_id"},
      {"a control character in the request id", [](auto& r) { r.set_request_id("\n"); },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "request_id"},
      {"an unknown admission class", [](auto& r) { r.set_admission_class(v1::AdmissionClass(77)); },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "admission_class"},
  };
}

std::vector<Mistake> time_mistakes() {
  using grpc::StatusCode;
  constexpr std::int64_t kNow = 1'772'366'400;
  constexpr std::int64_t kMonth = 30 * 86'400;
  return {
      {"a ttl of nothing", [](auto& r) { r.mutable_ttl(); }, StatusCode::INVALID_ARGUMENT,
       "FIELD_OUT_OF_RANGE", "ttl"},
      {"a negative ttl", [](auto& r) { r.mutable_ttl()->set_seconds(-5); }, StatusCode::INVALID_ARGUMENT,
       "FIELD_OUT_OF_RANGE", "ttl"},
      {"a ttl below a second", [](auto& r) { r.mutable_ttl()->set_nanos(998'000'000); },
       StatusCode::INVALID_ARGUMENT, "FIELD_OUT_OF_RANGE", "ttl"},
      {"a ttl of more than 30 days", [](auto& r) { r.mutable_ttl()->set_seconds(kMonth + 1); },
       StatusCode::INVALID_ARGUMENT, "FIELD_OUT_OF_RANGE", "ttl"},
      {"a ttl that would overflow", [](auto& r) { r.mutable_ttl()->set_seconds(INT64_MAX); },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "ttl"},
      {"a ttl of two signs",
       [](auto& r) {
         r.mutable_ttl()->set_seconds(5);
         r.mutable_ttl()->set_nanos(-1);
       },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "ttl"},
      {"an expire_time now", [](auto& r) { r.mutable_expire_time()->set_seconds(kNow); },
       StatusCode::INVALID_ARGUMENT, "TIME_NOT_IN_FUTURE", "expire_time"},
      {"an expire_time past", [](auto& r) { r.mutable_expire_time()->set_seconds(1); },
       StatusCode::INVALID_ARGUMENT, "TIME_NOT_IN_FUTURE", "expire_time"},
      {"an expire_time too far", [](auto& r) { r.mutable_expire_time()->set_seconds(kNow + kMonth + 1); },
       StatusCode::INVALID_ARGUMENT, "FIELD_OUT_OF_RANGE", "expire_time"},
      {"an expire_time that is none", [](auto& r) { r.mutable_expire_time()->set_seconds(INT64_MIN); },
       StatusCode::INVALID_ARGUMENT, "FIELD_MALFORMED", "expire_time"},
  };
}

void check_mistake(Harness& harness, const Mistake& mistake) {
  INFO(mistake.what);
  auto request = lease_request();
  mistake.make(request);
  const grpc::Status status = lease(harness, request).status;
  CHECK(status.error_code() == mistake.code);
  const auto info = error_info(status);
  CHECK(info.reason() == mistake.reason);
  if (!mistake.field.empty()) CHECK(info.metadata().at("field") == mistake.field);
  for (const auto& [key, value] : info.metadata())
    CHECK(status.error_message().find(value) != std::string::npos);
}

TEST_CASE("each mistake in a request to lease has its own clear error, and lends nothing") {
  Harness harness;
  for (const Mistake& mistake : visit_mistakes()) check_mistake(harness, mistake);
  for (const Mistake& mistake : time_mistakes()) check_mistake(harness, mistake);
  CHECK(harness.pools->counts(*harness.pools->find("main"), harness.clock.now()).free == 3);
}

TEST_CASE("the longest visit id there may be is lent a number") {
  Harness harness;
  CHECK(lease(harness, lease_request(std::string(128, 'x'))).status.ok());
}

TEST_CASE("renewing, releasing and reading look at pool and visit as leasing does") {
  Harness harness;
  for (const grpc::Status& status :
       {get(harness, "").status, renew(harness, "").status, release(harness, "")}) {
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(error_info(status).metadata().at("field") == "visit_id");
  }
  for (const grpc::Status& status :
       {get(harness, "v-1", "pools/none").status, release(harness, "v-1", "pools/none")}) {
    CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
    CHECK(error_info(status).reason() == "POOL_NOT_FOUND");
  }
  CHECK(error_info(renew(harness, "v-1", -1).status).metadata().at("field") == "ttl");
}

TEST_CASE("a lease that has run out is not found") {
  Harness harness;
  REQUIRE(lease(harness, lease_request()).status.ok());
  harness.clock.advance(std::chrono::minutes(31));
  harness.leasing.tick();
  CHECK(get(harness, "v-1").status.error_code() == grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace ringtrace::rpc::testing
