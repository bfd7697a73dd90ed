#include "grpc/event_tail.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "grpc/event_feed.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

/// A log whose reads are answered when the test says so, with what the log held when they began.
class LateLog final : public CallEventLog {
 public:
  void read_after(std::string_view cursor, std::size_t max, ReadDone done) override {
    LogRead found;
    log.read_after(cursor, max, [&](LogRead read) { found = std::move(read); });
    waiting.push_back([done = std::move(done), found = std::move(found)] { done(found); });
  }
  void latest_cursor(EndDone done) override { log.latest_cursor(std::move(done)); }
  std::unique_ptr<Watch> watch(std::function<void()> grown) override { return log.watch(std::move(grown)); }

  void answer() {
    std::vector<std::function<void()>> now;
    now.swap(waiting);
    for (const auto& go : now) go();
  }

  MemoryLog log;
  std::vector<std::function<void()>> waiting;
};

struct Answer {
  bool came = false;
  std::vector<std::string> cursors;
};

void read(EventTail& tail, const std::string& cursor, Answer& answer, std::size_t max = 64) {
  tail.read_after(cursor, max, [&answer](const LogRead& got) {
    CHECK(got.status == LogStatus::kOk);
    answer.came = true;
    for (const auto& event : got.events) answer.cursors.push_back(event->cursor());
  });
}

using Cursors = std::vector<std::string>;

}  // namespace

TEST_CASE("readers at the end of the log share one read, and those just behind need none") {
  LateLog late;
  late.log.append(call_event("e"));
  const auto tail = EventTail::create(late);
  Answer first;
  read(*tail, "", first);
  late.answer();
  CHECK(first.cursors == Cursors{"0000001"});

  late.log.append(call_event("e"));
  std::vector<Answer> answers(20);
  for (Answer& answer : answers) read(*tail, "0000001", answer);
  CHECK(late.waiting.size() == 1);
  late.answer();
  // Those that came while the read was under way are answered by it too, because it brought something.
  for (const Answer& answer : answers) CHECK(answer.cursors == Cursors{"0000002"});
  Answer behind;
  read(*tail, "0000001", behind);
  CHECK(behind.cursors == Cursors{"0000002"});
  CHECK(tail->log_reads() == 2);
}

TEST_CASE("a reader that comes while a read is under way does not miss what came after that read began") {
  LateLog late;
  late.log.append(call_event("e"));
  const auto tail = EventTail::create(late);
  Answer start;
  read(*tail, "", start);
  late.answer();

  Answer early;
  read(*tail, "0000001", early);  // begins a read that will find nothing
  late.log.append(call_event("e"));
  Answer later;
  read(*tail, "0000001", later);  // its wake-up came before: nobody will wake it again
  late.answer();
  CHECK(early.came);
  CHECK(early.cursors.empty());
  CHECK_FALSE(later.came);
  late.answer();
  CHECK(later.cursors == Cursors{"0000002"});
}

TEST_CASE("the tail holds its newest events only, and who is behind it reads the log") {
  MemoryLog log;
  const auto tail = EventTail::create(log);
  log.append(call_event("e"));
  Answer start;
  read(*tail, "", start);
  std::string end = "0000001";
  for (std::size_t i = 0; i < EventTail::kMaxEvents + 100; ++i) log.append(call_event("e"));
  for (int i = 0; i < 100; ++i) {
    Answer answer;
    read(*tail, end, answer, 1'000);
    if (answer.cursors.empty()) break;
    end = answer.cursors.back();
  }
  CHECK(end == MemoryLog::cursor_of(EventTail::kMaxEvents + 101));
  const std::uint64_t reads = tail->log_reads();
  Answer inside;
  read(*tail, MemoryLog::cursor_of(200), inside, 3);
  CHECK(inside.cursors == Cursors{"0000201", "0000202", "0000203"});
  CHECK(tail->log_reads() == reads);
  Answer behind;
  read(*tail, "0000003", behind, 2);
  CHECK(behind.cursors == Cursors{"0000004", "0000005"});
  CHECK(tail->log_reads() == reads + 1);
}

TEST_CASE("a log that fails is told to all that read it, and the tail finds its place again") {
  MemoryLog log;
  const auto tail = EventTail::create(log);
  log.append(call_event("e"));
  Answer start;
  read(*tail, "", start);
  log.fail(true);
  LogStatus status = LogStatus::kOk;
  tail->read_after("0000001", 10, [&](const LogRead& got) { status = got.status; });
  CHECK(status == LogStatus::kUnavailable);
  log.fail(false);
  log.append(call_event("e"));
  Answer again;
  read(*tail, "0000001", again);
  CHECK(again.cursors == Cursors{"0000002"});
}

TEST_CASE("readers that race over one tail each see every event once and in order") {
  constexpr std::size_t kEvents = 5'000;
  constexpr int kReaders = 4;
  MemoryLog log;
  const auto tail = EventTail::create(log);
  std::vector<std::shared_ptr<EventFeed>> feeds;
  for (int i = 0; i < kReaders; ++i) feeds.push_back(EventFeed::after(*tail, {}, ""));
  const auto watch = tail->watch([&] {
    for (const auto& feed : feeds) feed->wake();
  });
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (const auto& feed : feeds) {
    threads.emplace_back([&right, &feed] {
      for (std::size_t i = 1; i <= kEvents; ++i) {
        const auto next = std::make_shared<std::promise<std::string>>();
        feed->next([next](const std::variant<SharedEvent, Error>& event) {
          const auto* found = std::get_if<SharedEvent>(&event);
          next->set_value(found == nullptr ? std::string() : (*found)->cursor());
        });
        auto cursor = next->get_future();
        if (cursor.wait_for(std::chrono::seconds(20)) != std::future_status::ready) return;
        if (cursor.get() != MemoryLog::cursor_of(i)) return;
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

}  // namespace ringtrace::rpc::testing
