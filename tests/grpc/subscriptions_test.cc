#include "grpc/subscriptions.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

v1::CallEvent event_of(const std::string& call) {
  v1::CallEvent event = call_event("e");
  event.mutable_call()->set_call_id(call);
  return event;
}

v1::CallEventsStart start_of(v1::ConsumerMode mode, const std::string& name = "crm") {
  v1::CallEventsStart start;
  start.set_subscription(name);
  start.set_mode(mode);
  return start;
}

/// Log, store and the subscriptions over them.
struct World {
  MemoryLog log;
  StubSubscriptions store;
  std::unique_ptr<pool::NumberPools> pools =
      std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(two_pools()));
  Subscriptions subscriptions{log, *pools, store};
};

/// One stream, without its transport: what it was given, and what it has acknowledged.
class Reader {
 public:
  Reader(World& world, const v1::CallEventsStart& start) {
    auto made = world.subscriptions.open(start);
    if (const Error* refused = std::get_if<Error>(&made)) {
      error = *refused;
      return;
    }
    source_ = std::get<std::shared_ptr<EventSource>>(made);
    source_->open([this](const Outcome& failed, const EventSource::Place& at) {
      error = failed;
      place = at.from;
    });
  }
  ~Reader() { close(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Takes what there is, at most `most`.
  void take(std::size_t most = 1'000'000) {
    for (std::size_t i = 0; i < most && source_ && !error; ++i) {
      if (!asking_) ask();
      if (asking_) {
        source_->wake();
        if (asking_) return;
      }
    }
  }

  void acknowledge(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) open.erase(open.begin());
    acknowledged += count;
    if (count > 0) source_->acknowledge(given[acknowledged - 1]->cursor());
  }
  void acknowledge_all() { acknowledge(open.size()); }

  void close() {
    if (source_) source_->close();
    source_.reset();
  }

  std::vector<std::string> cursors() const {
    std::vector<std::string> result;
    for (const SharedEvent& event : given) result.push_back(event->cursor());
    return result;
  }

  bool has_next() const { return source_->has_next(); }

  std::vector<SharedEvent> given;
  std::vector<std::string> open;  // cursors given and not acknowledged
  std::size_t acknowledged = 0;
  Outcome error;
  std::string place;

 private:
  void ask() {
    asking_ = true;
    const bool promised = source_->has_next();
    source_->next([this](std::variant<SharedEvent, Error> next) {
      asking_ = false;
      if (const Error* failed = std::get_if<Error>(&next)) {
        error = *failed;
        return;
      }
      given.push_back(std::get<SharedEvent>(next));
      open.push_back(given.back()->cursor());
    });
    // A stream that kept the last event back for the sake of this one would keep it for ever.
    REQUIRE_FALSE((promised && asking_));
  }

  std::shared_ptr<EventSource> source_;
  bool asking_ = false;
};

using Cursors = std::vector<std::string>;

}  // namespace

TEST_CASE("a subscription begins with the oldest event and goes on after what it has acknowledged") {
  const auto mode =
      GENERATE(v1::CONSUMER_MODE_UNSPECIFIED, v1::CONSUMER_MODE_FOLLOW, v1::CONSUMER_MODE_SHARE);
  World world;
  for (const char* call : {"a", "b", "c"}) world.log.append(event_of(call));
  {
    Reader first(world, start_of(mode));
    first.take();
    CHECK(first.cursors() == Cursors{"0000001", "0000002", "0000003"});
    first.acknowledge(2);
  }
  CHECK(world.store.place("crm") == "0000002");
  Reader again(world, start_of(mode));
  CHECK(again.place == "0000002");
  again.take();
  CHECK(again.cursors() == Cursors{"0000003"});
  world.log.append(event_of("d"));
  again.take();
  CHECK(again.cursors() == Cursors{"0000003", "0000004"});
}

TEST_CASE("streams that follow all bring every event, and any of them acknowledges for all") {
  World world;
  Reader first(world, start_of(v1::CONSUMER_MODE_FOLLOW));
  Reader second(world, start_of(v1::CONSUMER_MODE_FOLLOW));
  for (const char* call : {"a", "b"}) world.log.append(event_of(call));
  first.take();
  second.take();
  CHECK(first.cursors() == Cursors{"0000001", "0000002"});
  CHECK(second.cursors() == first.cursors());
  first.acknowledge_all();
  second.acknowledge(1);
  CHECK(world.store.place("crm") == "0000002");
}

TEST_CASE("streams that share bring each event once, those of one call over the same stream") {
  World world;
  Reader first(world, start_of(v1::CONSUMER_MODE_SHARE));
  Reader second(world, start_of(v1::CONSUMER_MODE_SHARE));
  for (const char* call : {"a", "b", "a", "b", "c", "d"}) world.log.append(event_of(call));
  for (int turn = 0; turn < 6; ++turn) {
    first.take(1);
    second.take(1);
  }
  CHECK(first.given.size() == 3);
  CHECK(second.given.size() == 3);
  std::map<std::string, std::set<Reader*>> readers;
  std::set<std::string> cursors;
  for (Reader* reader : {&first, &second}) {
    for (const SharedEvent& event : reader->given) {
      readers[event->call().call_id()].insert(reader);
      CHECK(cursors.insert(event->cursor()).second);
    }
  }
  CHECK(cursors.size() == 6);
  for (const auto& [call, of] : readers) CHECK(of.size() == 1);
}

TEST_CASE("the place moves only over events that are all acknowledged") {
  World world;
  Reader first(world, start_of(v1::CONSUMER_MODE_SHARE));
  Reader second(world, start_of(v1::CONSUMER_MODE_SHARE));
  for (const char* call : {"a", "b", "c"}) world.log.append(event_of(call));
  first.take(1);
  second.take(1);
  second.acknowledge_all();
  CHECK(world.store.place("crm").empty());
  first.acknowledge_all();
  CHECK(world.store.place("crm") == "0000002");
}

TEST_CASE("what a stream that goes has not acknowledged comes over another, in order") {
  World world;
  Reader stays(world, start_of(v1::CONSUMER_MODE_SHARE));
  {
    Reader goes(world, start_of(v1::CONSUMER_MODE_SHARE));
    for (const char* call : {"a", "a", "a"}) world.log.append(event_of(call));
    goes.take();
    REQUIRE(goes.given.size() == 3);
    goes.acknowledge(1);
  }
  stays.take();
  CHECK(stays.cursors() == Cursors{"0000002", "0000003"});
  stays.acknowledge_all();
  CHECK(world.store.place("crm") == "0000003");
}

TEST_CASE("a stream that shares is given no more than it may owe") {
  World world;
  Reader reader(world, start_of(v1::CONSUMER_MODE_SHARE));
  for (int i = 0; i < 1'500; ++i) world.log.append(event_of("c" + std::to_string(i)));
  reader.take();
  CHECK(reader.given.size() == SharedSubscription::kMaxUnacknowledged);
  CHECK_FALSE(reader.has_next());
  reader.acknowledge(10);
  reader.take();
  CHECK(reader.given.size() == SharedSubscription::kMaxUnacknowledged + 10);
}

TEST_CASE("a stream that acknowledges nothing while others wait is ended, and they get its events") {
  World world;
  Reader works(world, start_of(v1::CONSUMER_MODE_SHARE));
  Reader stuck(world, start_of(v1::CONSUMER_MODE_SHARE));
  constexpr std::size_t kEvents = SharedSubscription::kMaxSpan + 100;
  for (std::size_t i = 0; i < kEvents; ++i) world.log.append(event_of("c" + std::to_string(i)));
  stuck.take(1);
  for (int turn = 0; turn < 100 && world.store.place("crm") != MemoryLog::cursor_of(kEvents); ++turn) {
    works.take();
    works.acknowledge_all();
  }
  CHECK(world.store.place("crm") == MemoryLog::cursor_of(kEvents));
  stuck.take();
  REQUIRE(stuck.error);
  CHECK(to_string(stuck.error->reason) == "ACKNOWLEDGEMENT_OVERDUE");
  CHECK_FALSE(works.error);
}

TEST_CASE("whatever streams come, go and acknowledge, every event is dealt with and each call in order") {
  const auto seed = GENERATE(range(1U, 21U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  World world;
  std::vector<std::unique_ptr<Reader>> readers;
  std::map<std::string, int> dealt;               // by cursor
  std::map<std::string, std::string> last_dealt;  // by call
  std::size_t appended = 0;
  const auto deal = [&](Reader& reader, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const SharedEvent& event = reader.given[reader.acknowledged + i];
      ++dealt[event->cursor()];
      // Not before an earlier one of its call.
      CHECK(last_dealt[event->call().call_id()] < event->cursor());
      last_dealt[event->call().call_id()] = event->cursor();
    }
    reader.acknowledge(count);
  };
  for (int step = 0; step < 2'000; ++step) {
    const auto any = [&] { return readers[random() % readers.size()].get(); };
    switch (random() % 8) {
      case 0:
      case 1:
        world.log.append(event_of("c" + std::to_string(random() % 5)));
        ++appended;
        break;
      case 2:
        if (readers.size() < 4) {
          readers.push_back(std::make_unique<Reader>(world, start_of(v1::CONSUMER_MODE_SHARE)));
        }
        break;
      case 3:
        if (readers.size() > 1 && random() % 4 == 0) {
          readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(random() % readers.size()));
        }
        break;
      case 4:
        if (!readers.empty()) {
          Reader* const one = any();
          if (!one->open.empty()) deal(*one, 1 + random() % one->open.size());
        }
        break;
      default:
        if (!readers.empty()) any()->take(1 + random() % 5);
    }
  }
  if (readers.empty()) readers.push_back(std::make_unique<Reader>(world, start_of(v1::CONSUMER_MODE_SHARE)));
  for (int turn = 0; turn < 50; ++turn) {
    for (const auto& reader : readers) {
      reader->take();
      deal(*reader, reader->open.size());
    }
  }
  CHECK(dealt.size() == appended);
  // One stream was always there, so nothing that was acknowledged came again.
  for (const auto& [cursor, times] : dealt) CHECK(times == 1);
  if (appended > 0) CHECK(world.store.place("crm") == MemoryLog::cursor_of(appended));
}

TEST_CASE("a subscription is open in one mode, and shared with one filter, at one time") {
  World world;
  auto reader = std::make_unique<Reader>(world, start_of(v1::CONSUMER_MODE_SHARE));
  CHECK_FALSE(reader->error);
  const auto refusal = [&](const v1::CallEventsStart& start) {
    const Reader other(world, start);
    return other.error ? std::string(to_string(other.error->reason)) : std::string();
  };
  CHECK(refusal(start_of(v1::CONSUMER_MODE_FOLLOW)) == "SUBSCRIPTION_OPEN_OTHERWISE");
  v1::CallEventsStart filtered = start_of(v1::CONSUMER_MODE_SHARE);
  filtered.add_pools("pools/main");
  CHECK(refusal(filtered) == "SUBSCRIPTION_OPEN_OTHERWISE");
  CHECK(refusal(start_of(v1::CONSUMER_MODE_FOLLOW, "other")).empty());
  reader.reset();
  CHECK(refusal(filtered).empty());
  CHECK(refusal(start_of(v1::CONSUMER_MODE_FOLLOW)).empty());
}

TEST_CASE("a subscription that cannot be had says why") {
  World world;
  const auto mode = GENERATE(v1::CONSUMER_MODE_FOLLOW, v1::CONSUMER_MODE_SHARE);
  const auto reason = [&](const std::string& name) {
    Reader reader(world, start_of(mode, name));
    reader.take();
    return reader.error ? std::string(to_string(reader.error->reason)) : std::string();
  };
  CHECK(reason("") == "FIELD_MALFORMED");
  CHECK(reason(std::string(65, 'x')) == "FIELD_MALFORMED");
  CHECK(reason("a b") == "FIELD_MALFORMED");
  world.store.status = SubscriptionPlace::Status::kTooMany;
  CHECK(reason("crm") == "TOO_MANY_SUBSCRIPTIONS");
  world.store.status = SubscriptionPlace::Status::kUnavailable;
  CHECK(reason("crm") == "LOG_UNAVAILABLE");
}

TEST_CASE("a subscription whose events have left the log says so once, and goes on with what there is") {
  World world;
  const auto mode = GENERATE(v1::CONSUMER_MODE_FOLLOW, v1::CONSUMER_MODE_SHARE);
  for (int i = 0; i < 10; ++i) world.log.append(event_of("c"));
  {
    Reader reader(world, start_of(mode));
    reader.take(2);
    reader.acknowledge_all();
  }
  world.log.trim(5);
  {
    Reader late(world, start_of(mode));
    late.take();
    REQUIRE(late.error);
    CHECK(to_string(late.error->reason) == "CURSOR_TRIMMED");
  }
  Reader again(world, start_of(mode));
  again.take();
  CHECK(again.given.size() == 5);
  CHECK(again.given[0]->cursor() == "0000006");
}

}  // namespace ringtrace::rpc::testing
