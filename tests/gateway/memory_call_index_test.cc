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

}  // namespace ringtrace::gateway
