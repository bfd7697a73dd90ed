#include "grpc/event_feed.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "tests/grpc/fakes.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

/// A log that answers when it is told to, so that a test can put anything between a read and its answer.
class SlowLog final : public CallEventLog {
 public:
  MemoryLog memory;

  void read_after(std::string_view cursor, std::size_t max, ReadDone done) override {
    memory.read_after(cursor, max, [this, done = std::move(done)](LogRead read) {
      answers.push_back([done, read] { done(read); });
    });
  }
  void latest_cursor(EndDone done) override { memory.latest_cursor(std::move(done)); }
  std::unique_ptr<Watch> watch(std::function<void()> grown) override {
    return memory.watch(std::move(grown));
  }

  void answer() {
    REQUIRE_FALSE(answers.empty());
    const auto go = std::move(answers.front());
    answers.pop_front();
    go();
  }

  std::deque<std::function<void()>> answers;
};

struct FeedFixture {
  std::unique_ptr<pool::NumberPools> pools =
      std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(two_pools()));

  std::shared_ptr<EventFeed> feed(CallEventLog& log, const v1::CallEventsStart& start) {
    auto made = EventFeed::create(log, *pools, start);
    REQUIRE(std::holds_alternative<std::shared_ptr<EventFeed>>(made));
    return std::get<std::shared_ptr<EventFeed>>(made);
  }

  Error refused(CallEventLog& log, const v1::CallEventsStart& start) {
    auto made = EventFeed::create(log, *pools, start);
    REQUIRE(std::holds_alternative<Error>(made));
    return std::get<Error>(made);
  }
};

v1::CallEventsStart from_oldest() {
  v1::CallEventsStart start;
  start.set_oldest(true);
  return start;
}

/// Collects what `next` brings.
struct Collected {
  std::vector<std::string> ids;  // "end" at the end
  std::vector<Error> errors;

  void ask(EventFeed& feed) {
    feed.next([this](std::variant<SharedEvent, Error> next) {
      if (const auto* event = std::get_if<SharedEvent>(&next)) {
        ids.push_back(*event ? (*event)->event_id() : "end");
      } else {
        errors.push_back(std::get<Error>(next));
      }
    });
  }
};

using Ids = std::vector<std::string>;

TEST_CASE_METHOD(FeedFixture, "an event that comes while the log is being read is not missed") {
  SlowLog log;
  const auto events = feed(log, from_oldest());
  Collected collected;
  collected.ask(*events);
  log.memory.append(call_event("a"));  // the read under way has already looked
  events->wake();
  log.answer();
  CHECK(collected.ids.empty());
  log.answer();
  CHECK(collected.ids == Ids{"a"});
}

TEST_CASE_METHOD(FeedFixture, "a log without news is read once and then left alone until it grows") {
  SlowLog log;
  const auto events = feed(log, from_oldest());
  Collected collected;
  collected.ask(*events);
  log.answer();
  CHECK(log.answers.empty());
  log.memory.append(call_event("a"));
  events->wake();
  log.answer();
  CHECK(collected.ids == Ids{"a"});
}

TEST_CASE_METHOD(FeedFixture, "a feed that is to end with the log ends when the log holds no more") {
  SlowLog log;
  v1::CallEventsStart start = from_oldest();
  start.set_until_latest(true);
  start.add_types(v1::CALL_EVENT_TYPE_RINGING);
  log.memory.append(call_event("a", v1::CALL_EVENT_TYPE_RINGING));
  log.memory.append(call_event("b", v1::CALL_EVENT_TYPE_ENDED));
  const auto events = feed(log, start);
  Collected collected;
  collected.ask(*events);
  log.answer();
  CHECK(collected.ids == Ids{"a"});
  log.memory.append(call_event("c", v1::CALL_EVENT_TYPE_RINGING));  // the log has grown: it is not the end
  collected.ask(*events);
  log.answer();
  CHECK(collected.ids == Ids{"a", "c"});
  collected.ask(*events);
  log.answer();
  CHECK(collected.ids == Ids{"a", "c", "end"});
  CHECK(collected.errors.empty());
}

TEST_CASE_METHOD(FeedFixture, "nothing is read ahead of a reader that does not ask") {
  MemoryLog log;
  for (int i = 0; i < 1000; ++i) log.append(call_event(std::to_string(i)));
  const auto events = feed(log, from_oldest());
  Collected collected;
  collected.ask(*events);
  for (int i = 0; i < 1000; ++i) events->wake();
  CHECK(collected.ids == Ids{"0"});
  CHECK(log.read_count() == EventFeed::kBatch);
}

TEST_CASE_METHOD(FeedFixture, "a feed has another event at hand as long as one that passes was read") {
  MemoryLog log;
  log.append(call_event("a"));
  log.append(call_event("b"));
  log.append(call_event("no", v1::CALL_EVENT_TYPE_ENDED));
  v1::CallEventsStart start = from_oldest();
  start.add_types(call_event("a").type());
  const auto events = feed(log, start);
  Collected collected;
  CHECK_FALSE(events->has_next());
  collected.ask(*events);
  CHECK(events->has_next());
  collected.ask(*events);
  CHECK_FALSE(events->has_next());
  CHECK(collected.ids == Ids{"a", "b"});
}

TEST_CASE_METHOD(FeedFixture,
                 "a long log of which nothing passes the filter is read through without recursion") {
  MemoryLog log;
  for (int i = 0; i < 200'000; ++i) log.append(call_event("no"));
  log.append(call_event("yes", v1::CALL_EVENT_TYPE_ENDED));
  v1::CallEventsStart start = from_oldest();
  start.add_types(v1::CALL_EVENT_TYPE_ENDED);
  const auto events = feed(log, start);
  Collected collected;
  collected.ask(*events);
  CHECK(collected.ids == Ids{"yes"});
}

TEST_CASE_METHOD(
    FeedFixture,
    "readers on threads of their own see each event once and in order while others are appended") {
  constexpr std::size_t kEvents = 2000;
  constexpr int kReaders = 3;
  MemoryLog log;
  std::vector<std::shared_ptr<EventFeed>> feeds;
  for (int i = 0; i < kReaders; ++i) feeds.push_back(feed(log, from_oldest()));
  const auto watch = log.watch([&] {
    for (const auto& events : feeds) events->wake();
  });
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (const auto& events : feeds) {
    threads.emplace_back([&right, &events] {
      for (std::size_t i = 1; i <= kEvents; ++i) {
        const auto next = std::make_shared<std::promise<std::string>>();
        events->next([next](const std::variant<SharedEvent, Error>& event) {
          const auto* found = std::get_if<SharedEvent>(&event);
          next->set_value(found == nullptr ? std::string() : (*found)->cursor());
        });
        if (next->get_future().get() != MemoryLog::cursor_of(i)) return;
      }
      ++right;
    });
  }
  threads.emplace_back([&log] {
    for (std::size_t i = 0; i < kEvents; ++i) log.append(call_event("e"));
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == kReaders);
}

TEST_CASE_METHOD(FeedFixture, "after close nothing comes, not even what was under way") {
  SlowLog log;
  log.memory.append(call_event("a"));
  const auto events = feed(log, from_oldest());
  Collected collected;
  collected.ask(*events);
  events->close();
  log.answer();
  events->wake();
  collected.ask(*events);
  CHECK(collected.ids.empty());
  CHECK(collected.errors.empty());
}

TEST_CASE_METHOD(FeedFixture, "a start at the latest event brings what comes after it") {
  MemoryLog log;
  log.append(call_event("old"));
  const auto events = feed(log, v1::CallEventsStart());
  EventFeed::Place place;
  events->open([&](const Outcome& error, const EventFeed::Place& found) {
    CHECK_FALSE(error);
    place = found;
  });
  CHECK(place.from == "0000001");
  CHECK(place.latest == "0000001");
  log.append(call_event("new"));
  Collected collected;
  collected.ask(*events);
  CHECK(collected.ids == Ids{"new"});
}

TEST_CASE_METHOD(FeedFixture, "a log that cannot be read ends the feed where it stands") {
  MemoryLog log;
  log.append(call_event("a"));
  const auto events = feed(log, from_oldest());
  Collected collected;
  collected.ask(*events);
  log.fail(true);
  collected.ask(*events);
  REQUIRE(collected.errors.size() == 1);
  CHECK(collected.errors[0].reason == Reason::kLogUnavailable);
  CHECK(collected.errors[0].metadata.at("cursor") == "0000001");
}

TEST_CASE_METHOD(FeedFixture, "a cursor that the log has forgotten is told the oldest there is") {
  MemoryLog log;
  for (int i = 0; i < 10; ++i) log.append(call_event("x"));
  log.trim(5);
  v1::CallEventsStart start;
  start.set_cursor("0000002");
  Collected collected;
  collected.ask(*feed(log, start));
  REQUIRE(collected.errors.size() == 1);
  CHECK(collected.errors[0].reason == Reason::kCursorTrimmed);
  CHECK(collected.errors[0].metadata.at("oldest_cursor") == "0000005");
}

TEST_CASE_METHOD(FeedFixture, "of large events a feed keeps few, and reads the others again") {
  MemoryLog log;
  for (int i = 0; i < 10; ++i) {
    v1::CallEvent event = call_event("e" + std::to_string(i));
    event.mutable_call()->set_caller(std::string(EventFeed::kBatchBytes / 3 + 1, 'x'));
    log.append(event);
  }
  const auto events = feed(log, from_oldest());
  events->open([](const Outcome&, const EventFeed::Place&) {});
  Collected collected;
  for (int i = 0; i < 10; ++i) collected.ask(*events);
  CHECK(collected.ids == Ids{"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"});
  // Three at a time are kept: 10 are read, then 7, 4 and 1.
  CHECK(log.read_count() == 22);
}

TEST_CASE_METHOD(FeedFixture, "each mistake in a start is refused") {
  MemoryLog log;
  v1::CallEventsStart start;
  start.set_cursor(std::string(1000, '1'));
  CHECK(refused(log, start).reason == Reason::kCursorMalformed);
  start.set_oldest(true);
  start.add_pools("main");
  CHECK(refused(log, start).reason == Reason::kFieldMalformed);
  start.set_pools(0, "pools/nowhere");
  CHECK(refused(log, start).reason == Reason::kPoolNotFound);
  for (int i = 0; i < 200; ++i) start.add_pools("pools/main");
  CHECK(refused(log, start).reason == Reason::kFieldOutOfRange);
  start.clear_pools();
  start.add_types(v1::CALL_EVENT_TYPE_UNSPECIFIED);
  CHECK(refused(log, start).reason == Reason::kFieldMalformed);
}

TEST_CASE_METHOD(FeedFixture, "a pool or type of a start that is none is told by its place") {
  MemoryLog log;
  v1::CallEventsStart start;
  start.add_pools("pools/main");
  start.add_pools("main");
  CHECK(refused(log, start).metadata.at("field") == "start.pools[2]");
  start.set_pools(1, "");
  CHECK(refused(log, start).metadata.at("field") == "start.pools[2]");
  start.clear_pools();
  for (int i = 0; i < 2; ++i) start.add_types(v1::CALL_EVENT_TYPE_ENDED);
  start.add_types(v1::CALL_EVENT_TYPE_UNSPECIFIED);
  CHECK(refused(log, start).metadata.at("field") == "start.types[3]");
}

}  // namespace
}  // namespace ringtrace::rpc::testing
