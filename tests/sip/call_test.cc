#include "sip/call.h"

#include <catch2/catch.hpp>
#include <vector>

namespace ringtrace::sip {
namespace {

using std::chrono::seconds;

struct Sink final : CallSink {
  void record(const v1::CallEvent& event) override { events.push_back(event); }
  void close_unknown(CallClosing closing) override { closings.push_back(std::move(closing)); }
  void resume(const v1::CallEvent&) override { FAIL("a call of an earlier process"); }
  std::vector<v1::CallEvent> events;
  std::vector<CallClosing> closings;
};

struct Book {
  Instant now{SteadyTime{} + std::chrono::hours(9), WallTime{seconds(1'700'000'000)}};
  Sink sink;
  ProxyStats stats;
  TimerQueue timers{now.steady};
  std::uint64_t seed = 0;
  RandomSource random = [this] { return ++seed * 0x9e3779b97f4a7c15ull; };
  CallBook calls{sink, stats, timers, random};

  CallId begin() {
    return calls.begin({"+74950000001", "+79161234567", "carrier", "id@x", "caller", {}},
                       std::chrono::hours(4), now);
  }
  void pass(seconds time) {
    now.steady += time;
    now.wall += time;
    timers.advance(now.steady, [this](TimerQueue::Id, TimerQueue::Event event) {
      CHECK(event.what == CallBook::kTimer);
      calls.on_timer(event.owner, now);
    });
  }
};

}  // namespace

TEST_CASE("durations do not follow a step of the wall clock") {
  Book book;
  const CallId id = book.begin();
  book.pass(seconds(3));
  book.calls.answered(id, "line", 200, book.now);
  book.now.wall -= std::chrono::hours(1);
  book.pass(seconds(20));
  book.calls.hung_up(id, "id@x", "caller", "line", book.now);
  REQUIRE(book.sink.events.size() == 2);
  CHECK(book.sink.events[1].call().ring_duration().seconds() == 3);
  CHECK(book.sink.events[1].call().talk_duration().seconds() == 20);
}

TEST_CASE("a call is ended once, whoever says so and however often") {
  Book book;
  const CallId id = book.begin();
  book.calls.ringing(id, book.now);
  book.calls.ringing(id, book.now);
  book.calls.answered(id, "line", 200, book.now);
  book.calls.answered(id, "fork", 200, book.now);
  book.calls.failed(id, v1::CALL_OUTCOME_FAILED, 500, book.now);
  book.calls.hung_up(id, "id@x", "caller", "fork", book.now);
  book.calls.hung_up(id, "id@x", "stranger", "line", book.now);
  book.calls.hung_up(id, "other", "caller", "line", book.now);
  CHECK(book.sink.events.size() == 2);
  book.calls.hung_up(id, "id@x", "caller", "line", book.now);
  book.calls.hung_up(id, "id@x", "caller", "line", book.now);
  CHECK(book.sink.events.size() == 3);
  CHECK(book.sink.closings.empty());
  CHECK(book.calls.live() == 0);
  book.pass(seconds(33));
  CHECK(book.timers.size() == 0);
}

TEST_CASE("a call that never ends is closed by its age, which its answer begins") {
  Book book;
  const CallId id = book.begin();
  book.pass(std::chrono::minutes(50));  // line after line rings, as it may
  book.calls.ringing(id, book.now);
  book.calls.answered(id, "line", 200, book.now);
  book.pass(std::chrono::hours(4) - seconds(1));
  CHECK(book.calls.live() == 1);
  book.pass(seconds(2));
  CHECK(book.calls.live() == 0);
  REQUIRE(book.sink.events.size() == 3);
  CHECK(book.sink.events[2].call().outcome() == v1::CALL_OUTCOME_UNKNOWN_END);
  CHECK(book.timers.size() == 0);
}

TEST_CASE("a call nobody here knows is handed on to be closed") {
  Book book;
  const CallId id = *CallId::parse("01HF7YAT0000000000000000A0");
  book.calls.hung_up(id, "id@x", "caller", "line", book.now);
  REQUIRE(book.sink.closings.size() == 1);
  CHECK(book.sink.closings[0].call_id == "01HF7YAT0000000000000000A0");
  CHECK(book.stats.calls_closed_unknown == 1);
}

TEST_CASE("an unanswered call has no talk duration") {
  Book book;
  const CallId id = book.begin();
  book.pass(seconds(4));
  book.calls.failed(id, v1::CALL_OUTCOME_BUSY, 486, book.now);
  REQUIRE(book.sink.events.size() == 1);
  CHECK(book.sink.events[0].call().ring_duration().seconds() == 4);
  CHECK(book.sink.events[0].call().talk_duration().seconds() == 0);
  CHECK(book.timers.size() == 0);
}

}  // namespace ringtrace::sip
