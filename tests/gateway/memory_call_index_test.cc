#include "gateway/memory_call_index.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "gateway/memory_call_log.h"
#include "proto/attribution_update.h"
#include "proto/from_pool.h"

namespace ringtrace::gateway {
namespace {

constexpr pool::Time kNoon{std::chrono::milliseconds(1'800'000'000'000)};

v1::CallEvent event(const std::string& call, int minute, const std::string& source = "direct",
                    v1::CallOutcome outcome = v1::CALL_OUTCOME_ANSWERED) {
  v1::CallEvent result;
  result.set_type(v1::CALL_EVENT_TYPE_ENDED);
  result.mutable_call()->set_call_id(call);
  result.mutable_call()->set_dialed_number("+74950000001");
  result.mutable_call()->set_outcome(outcome);
  *result.mutable_call()->mutable_start_time() = to_timestamp(kNoon + std::chrono::minutes(minute));
  result.mutable_call()->mutable_resolution()->set_source(source);
  result.mutable_call()->mutable_resolution()->set_pool("pools/main");
  return result;
}

rpc::CallPage search(MemoryCallLog& log, rpc::CallQuery query) {
  rpc::CallPage result;
  log.calls().search(std::move(query), [&](rpc::CallPage page) { result = std::move(page); });
  return result;
}

std::string ids(const rpc::CallPage& page) {
  std::string result;
  for (const v1::Call& call : page.calls) result += call.call_id() + " ";
  return result;
}

std::optional<v1::Call> find(MemoryCallLog& log, const std::string& call) {
  std::optional<v1::Call> result;
  log.calls().find(call, [&](rpc::FoundCall found) { result = std::move(found.call); });
  return result;
}

rpc::CallQuery all() {
  rpc::CallQuery query;
  query.max = 100;
  return query;
}

}  // namespace

TEST_CASE("calls in memory are listed from the one that started last, by time, source and outcome") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kNoon);
  log.append(event("a", 1));
  log.append(event("c", 3, "google/cpc"));
  log.append(event("b", 2, "direct", v1::CALL_OUTCOME_BUSY));
  CHECK(ids(search(log, all())) == "c b a ");

  rpc::CallQuery query = all();
  query.from = kNoon + std::chrono::minutes(2);
  CHECK(ids(search(log, query)) == "c b ");
  query.until = kNoon + std::chrono::minutes(3);
  CHECK(ids(search(log, query)) == "b ");
  query = all();
  query.source = "google/cpc";
  CHECK(ids(search(log, query)) == "c ");
  query = all();
  query.outcome = v1::CALL_OUTCOME_BUSY;
  CHECK(ids(search(log, query)) == "b ");
  query = all();
  query.dialed_number = "+74950000002";
  CHECK(ids(search(log, query)).empty());
  query = all();
  query.pool = "pools/other";
  CHECK(ids(search(log, query)).empty());
}

TEST_CASE("pages of calls in memory join without a gap or a doubling, also in one millisecond") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 1000, kNoon);
  std::string expected;
  for (int i = 99; i >= 0; --i) {
    const std::string id = "c" + std::to_string(1000 + i);
    log.append(event(id, i / 10));
    expected += id + " ";
  }
  rpc::CallQuery query;
  query.max = 7;
  std::string got;
  for (int pages = 0; pages < 100; ++pages) {
    const rpc::CallPage page = search(log, query);
    got += ids(page);
    query.after = page.next;
    if (!page.next) break;
  }
  CHECK(got == expected);
}

TEST_CASE("a call in memory is known as long as one of its events, and with its newest resolution") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 3, kNoon);
  v1::CallEvent ringing = event("a", 1);
  ringing.set_type(v1::CALL_EVENT_TYPE_RINGING);
  ringing.mutable_call()->set_outcome(v1::CALL_OUTCOME_UNSPECIFIED);
  log.append(ringing);
  v1::Resolution better;
  better.set_source("google/cpc");
  log.append(attribution_updated(ringing, better, 1, kNoon));
  log.append(event("a", 1));
  REQUIRE(find(log, "a"));
  CHECK(find(log, "a")->outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(find(log, "a")->resolution().source() == "google/cpc");
  rpc::CallQuery query = all();
  query.source = "google/cpc";
  CHECK(ids(search(log, query)) == "a ");

  for (const char* id : {"x", "y"}) log.append(event(id, 2));
  CHECK(find(log, "a"));
  log.append(event("z", 3));
  CHECK_FALSE(find(log, "a"));
  CHECK(ids(search(log, all())) == "z y x ");
}

TEST_CASE("an erased caller's calls in memory are told without him, also while they are up") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kNoon);
  const auto of = [](v1::CallEvent event, const std::string& caller) {
    event.mutable_call()->set_caller(caller);
    event.mutable_call()->mutable_resolution()->mutable_visit()->set_visit_id("visit");
    event.mutable_call()->mutable_resolution()->mutable_visit()->set_visitor_id("browser");
    return event;
  };
  log.append(of(event("a", 1), "+12025550190"));
  log.append(of(event("b", 2), "+12025550777"));
  CHECK(log.erase("+12025550190", kNoon + std::chrono::minutes(5)) == 1);
  CHECK(log.erase("+12025550190", kNoon + std::chrono::minutes(5)) == 0);
  log.append(of(event("a", 1), "+12025550190"));
  log.append(of(event("c", 6), "+12025550190"));
  CHECK(find(log, "a")->caller().empty());
  CHECK(find(log, "a")->resolution().visit().visit_id() == "visit");
  CHECK(find(log, "a")->resolution().visit().visitor_id().empty());
  CHECK(find(log, "b")->caller() == "+12025550777");
  CHECK(find(log, "c")->caller() == "+12025550190");
  log.read_after("", 10, [](const rpc::LogRead& read) {
    REQUIRE(read.events.size() == 4);
    CHECK(read.events[0]->call().caller().empty());
    CHECK(read.events[2]->call().caller().empty());
  });
  CHECK(log.redacted() == 2);
}

TEST_CASE("who forwarded a call leaves memory as its caller does") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kNoon);
  for (const char* call : {"a", "b"}) {
    v1::CallEvent one = event(call, 1);
    *one.mutable_event_time() = to_timestamp(kNoon + std::chrono::minutes(1));
    one.mutable_call()->set_forwarded_from(call == std::string("a") ? "+12025550190" : "+12025550777");
    log.append(one);
  }
  CHECK(log.erase("+12025550190", kNoon + std::chrono::minutes(5)) == 1);
  CHECK(find(log, "a")->forwarded_from().empty());
  const auto forget_after = [&](std::chrono::minutes caller, std::chrono::minutes attributes) {
    log.forget({caller, attributes}, kNoon + std::chrono::minutes(12));
    return find(log, "b")->forwarded_from();
  };
  CHECK(forget_after(std::chrono::minutes(20), std::chrono::minutes(10)) == "+12025550777");
  CHECK(forget_after(std::chrono::minutes(10), std::chrono::minutes(10)).empty());
}

TEST_CASE("caller and visits leave events in memory when each has been kept long enough") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kNoon);
  for (int minute = 1; minute <= 3; ++minute) {
    v1::CallEvent one = event("c" + std::to_string(minute), minute);
    *one.mutable_event_time() = to_timestamp(kNoon + std::chrono::minutes(minute));
    one.mutable_call()->set_caller("+12025550190");
    one.mutable_call()->mutable_resolution()->mutable_visit()->set_visitor_id("browser");
    log.append(one);
  }
  const MemoryCallLog::Retention retention{std::chrono::minutes(10), std::chrono::minutes(20)};
  log.forget(retention, kNoon + std::chrono::minutes(12));
  CHECK(find(log, "c1")->caller().empty());
  CHECK(find(log, "c2")->caller().empty());
  CHECK(find(log, "c3")->caller() == "+12025550190");
  CHECK(find(log, "c1")->resolution().visit().visitor_id() == "browser");
  log.forget(retention, kNoon + std::chrono::minutes(21));
  CHECK(find(log, "c1")->resolution().visit().visitor_id().empty());
  CHECK(find(log, "c2")->resolution().visit().visitor_id() == "browser");
  CHECK(find(log, "c3")->caller().empty());
}

}  // namespace ringtrace::gateway
