#include "gateway/memory_call_log.h"

#include <boost/asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <set>
#include <thread>

#include "gateway/subscriptions.h"

namespace ringtrace::gateway {
namespace {

using rpc::LogStatus;

v1::CallEvent event(const std::string& id) {
  v1::CallEvent result;
  result.set_event_id(id);
  return result;
}

rpc::LogRead read(MemoryCallLog& log, std::string_view cursor, std::size_t max = 100) {
  rpc::LogRead result;
  log.read_after(cursor, max, [&](rpc::LogRead answer) { result = std::move(answer); });
  return result;
}

std::string latest(MemoryCallLog& log) {
  std::string cursor;
  log.latest_cursor([&](rpc::LogEnd end) { cursor = std::move(end.cursor); });
  return cursor;
}

std::string ids(const rpc::LogRead& read) {
  std::string result;
  for (const auto& one : read.events) result += one->event_id() + " ";
  return result;
}

constexpr pool::Time kStarted{std::chrono::milliseconds(1'800'000'000'000)};

}  // namespace

TEST_CASE("events come back in order, from the oldest or after a cursor") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kStarted);
  CHECK(read(log, "").status == LogStatus::kOk);
  CHECK(read(log, "").events.empty());
  CHECK(latest(log).empty());
  for (const char* id : {"a", "b", "c"}) log.append(event(id));

  const rpc::LogRead all = read(log, "");
  CHECK(ids(all) == "a b c ");
  CHECK(all.events[2]->cursor() == latest(log));
  CHECK(ids(read(log, all.events[0]->cursor())) == "b c ");
  CHECK(ids(read(log, all.events[0]->cursor(), 1)) == "b ");
  const rpc::LogRead end = read(log, latest(log));
  CHECK(end.status == LogStatus::kOk);
  CHECK(end.events.empty());
}

TEST_CASE("the oldest events make room, and a cursor before them is out of range") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 3, kStarted);
  log.append(event("a"));
  const std::string first = latest(log);
  for (const char* id : {"b", "c", "d"}) log.append(event(id));
  CHECK(ids(read(log, first)) == "b c d ");  // a is gone, but everything after it is there

  log.append(event("e"));
  const rpc::LogRead gone = read(log, first);
  CHECK(gone.status == LogStatus::kOutOfRange);
  CHECK(gone.events.empty());
  CHECK(ids(read(log, gone.oldest_cursor)) == ids(read(log, "")));
  CHECK(ids(read(log, "")) == "c d e ");
  CHECK(log.appended() == 5);
  CHECK(log.dropped() == 2);
}

TEST_CASE("a cursor of another process is out of range, and other texts are none") {
  boost::asio::io_context io;
  MemoryCallLog before(io, 10, kStarted);
  before.append(event("a"));
  MemoryCallLog log(io, 10, kStarted + std::chrono::seconds(5));
  log.append(event("b"));
  CHECK(read(log, latest(before)).status == LogStatus::kOutOfRange);
  for (const char* text : {"1690000000000-0", "m", "m1", "m1.", "m1.2x", "mx.1", "m1.-1", " "}) {
    INFO(text);
    CHECK(read(log, text).status == LogStatus::kMalformed);
  }
  std::string future = latest(log);
  future.back() = '9';
  CHECK(read(log, future).status == LogStatus::kOutOfRange);
}

TEST_CASE("watchers are told on the loop, once for many events") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kStarted);
  int told = 0;
  auto watch = log.watch([&] { ++told; });
  log.append(event("a"));
  log.append(event("b"));
  CHECK(told == 0);
  io.run();
  CHECK(told == 1);

  io.restart();
  log.append(event("c"));
  io.run();
  CHECK(told == 2);

  watch.reset();
  io.restart();
  log.append(event("d"));
  io.run();
  CHECK(told == 2);
}

TEST_CASE("a watcher may end its own watch and another's from inside its call") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kStarted);
  std::unique_ptr<rpc::CallEventLog::Watch> first;
  std::unique_ptr<rpc::CallEventLog::Watch> second;
  int told = 0;
  first = log.watch([&] {
    ++told;
    first.reset();
    second.reset();
  });
  second = log.watch([&] { ++told; });
  log.append(event("a"));
  io.run();
  CHECK(told == 1);
}

TEST_CASE("when a watch is gone, no call of its callback is under way") {
  boost::asio::io_context io;
  auto guard = boost::asio::make_work_guard(io);
  std::thread loop([&] { io.run(); });
  MemoryCallLog log(io, 1000, kStarted);
  for (int round = 0; round < 200; ++round) {
    auto inside = std::make_unique<std::atomic<bool>>(false);
    auto watch = log.watch([flag = inside.get()] {
      flag->store(true);
      flag->store(false);
    });
    log.append(event("x"));
    watch.reset();
    CHECK_FALSE(inside->load());
    inside.reset();  // the sanitizers see a call that comes later
  }
  guard.reset();
  loop.join();
}

TEST_CASE("a reader that follows sees every event once while others append") {
  boost::asio::io_context io;
  auto guard = boost::asio::make_work_guard(io);
  std::thread loop([&] { io.run(); });
  constexpr int kThreads = 2;
  constexpr int kEach = 2000;
  MemoryCallLog log(io, kThreads * kEach, kStarted);
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&log, t] {
      for (int i = 0; i < kEach; ++i) log.append(event(std::to_string(t) + "/" + std::to_string(i)));
    });
  }
  std::set<std::string> seen;
  std::size_t count = 0;
  std::string cursor;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (count < kThreads * kEach && std::chrono::steady_clock::now() < deadline) {
    const rpc::LogRead page = read(log, cursor, 64);
    REQUIRE(page.status == LogStatus::kOk);
    for (const auto& one : page.events) seen.insert(one->event_id());
    count += page.events.size();
    if (!page.events.empty()) cursor = page.events.back()->cursor();
  }
  for (std::thread& writer : writers) writer.join();
  guard.reset();
  loop.join();
  CHECK(count == kThreads * kEach);
  CHECK(seen.size() == count);
}

TEST_CASE("subscriptions of the log in memory move forward, and only to its own events") {
  boost::asio::io_context io;
  MemoryCallLog log(io, 10, kStarted);
  for (const char* id : {"a", "b"}) log.append(event(id));
  MemorySubscriptions subscriptions(log);
  const auto place = [&] {
    rpc::SubscriptionPlace found;
    subscriptions.open("crm", [&](rpc::SubscriptionPlace at) { found = std::move(at); });
    CHECK(found.status == rpc::SubscriptionPlace::Status::kKnown);
    return found.cursor;
  };
  const rpc::LogRead all = read(log, "");
  CHECK(place().empty());
  subscriptions.acknowledge("crm", all.events[1]->cursor());
  CHECK(place() == all.events[1]->cursor());
  const std::string process = "m" + std::to_string(kStarted.time_since_epoch().count());
  for (const std::string& cursor :
       {all.events[0]->cursor(), process + ".9", std::string("m1.9"), std::string("x")}) {
    subscriptions.acknowledge("crm", cursor);
    CHECK(place() == all.events[1]->cursor());
  }
}

}  // namespace ringtrace::gateway
