#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "grpc/metadata.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

/// One open stream of a client.
class Stream {
 public:
  explicit Stream(v1::CallService::Stub& stub) : stream_(stub.StreamCallEvents(&context_)) {}

  Stream(v1::CallService::Stub& stub, const v1::CallEventsStart& start) : Stream(stub) { send(start); }

  void send(const v1::CallEventsStart& start) {
    v1::StreamCallEventsRequest request;
    *request.mutable_start() = start;
    stream_->Write(request);
  }

  void acknowledge(const std::string& cursor) {
    v1::StreamCallEventsRequest request;
    request.set_ack_cursor(cursor);
    stream_->Write(request);
  }

  void send_nothing() { stream_->Write(v1::StreamCallEventsRequest()); }
  void close_own_side() { stream_->WritesDone(); }
  void cancel() { context_.TryCancel(); }

  /// Waits until the stream has found its place; the cursor of the log's last event then.
  std::string place() {
    stream_->WaitForInitialMetadata();
    const auto& metadata = context_.GetServerInitialMetadata();
    const auto found = metadata.find(kLatestCursorKey);
    REQUIRE(found != metadata.end());
    return {found->second.data(), found->second.size()};
  }

  /// Goes without a word, as a client that is killed.
  void vanish() {
    cancel();
    stream_->Finish();
  }

  /// The next event; an empty one at the end.
  v1::CallEvent next_event() {
    v1::StreamCallEventsResponse response;
    return stream_->Read(&response) ? response.event() : v1::CallEvent();
  }

  /// The next event's cursor; empty at the end.
  std::string next() { return next_event().cursor(); }

  grpc::Status finish() { return stream_->Finish(); }

 private:
  Context context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamCallEventsRequest, v1::StreamCallEventsResponse>>
      stream_;
};

v1::CallEventsStart oldest() {
  v1::CallEventsStart start;
  start.set_oldest(true);
  return start;
}

v1::CallEventsStart after(const std::string& cursor) {
  v1::CallEventsStart start;
  start.set_cursor(cursor);
  return start;
}

std::string reason_of(Stream& stream, grpc::StatusCode code) {
  CHECK(stream.next().empty());
  const grpc::Status status = stream.finish();
  CHECK(status.error_code() == code);
  return error_info(status).reason();
}

TEST_CASE("a stream brings past events first, then each as it happens") {
  Harness harness;
  for (int i = 0; i < 5; ++i) harness.log.append(call_event("past"));
  Stream stream(*harness.calls, oldest());
  CHECK(stream.place() == "0000005");
  for (std::size_t i = 1; i <= 5; ++i) CHECK(stream.next() == MemoryLog::cursor_of(i));
  for (std::size_t i = 6; i <= 8; ++i) {
    harness.log.append(call_event("live"));
    CHECK(stream.next() == MemoryLog::cursor_of(i));
  }
}

TEST_CASE("a stream that is to end with the log does, also where that is at once") {
  Harness harness;
  v1::CallEventsStart start = oldest();
  start.set_until_latest(true);
  Stream empty(*harness.calls, start);
  CHECK(empty.next().empty());
  CHECK(empty.finish().ok());
  for (int i = 0; i < 100; ++i) harness.log.append(call_event("x"));
  Stream all(*harness.calls, start);
  for (std::size_t i = 1; i <= 100; ++i) REQUIRE(all.next() == MemoryLog::cursor_of(i));
  CHECK(all.next().empty());
  CHECK(all.finish().ok());
}

TEST_CASE("a stream from the latest event brings all that comes once it has found its place") {
  Harness harness;
  harness.log.append(call_event("past"));
  Stream stream(*harness.calls, v1::CallEventsStart());
  CHECK(stream.place() == "0000001");
  harness.log.append(call_event("live"));
  CHECK(stream.next() == "0000002");
}

TEST_CASE("an event whose caller was erased since it was read is told without him") {
  Harness harness;
  harness.eraser.erased = "+12025550190";
  for (const char* caller : {"+12025550190", "+12025550777"}) {
    v1::CallEvent event;
    event.set_event_id(std::string("e") + caller);
    event.mutable_call()->set_caller(caller);
    harness.log.append(event);
  }
  Stream stream(*harness.calls, oldest());
  CHECK(stream.next_event().call().caller().empty());
  CHECK(stream.next_event().call().caller() == "+12025550777");
}

TEST_CASE("a stream goes on after its cursor") {
  Harness harness;
  for (int i = 0; i < 5; ++i) harness.log.append(call_event("past"));
  Stream stream(*harness.calls, after("0000003"));
  CHECK(stream.next() == "0000004");
  CHECK(stream.next() == "0000005");
}

TEST_CASE("streams that open while events pour in see each once and in order") {
  constexpr std::size_t kEvents = 3000;
  constexpr int kReaders = 4;
  Harness harness;
  std::atomic<std::size_t> appended{0};
  std::thread writer([&] {
    for (std::size_t i = 0; i < kEvents; ++i) {
      harness.log.append(call_event("e"));
      ++appended;
    }
  });
  std::atomic<int> right{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      // Each opens at another moment of the pouring.
      const std::size_t moment = static_cast<std::size_t>(reader) * kEvents / kReaders;
      if (!eventually([&] { return appended >= moment; })) return;
      Stream stream(*harness.calls, oldest());
      for (std::size_t i = 1; i <= kEvents; ++i) {
        if (stream.next() != MemoryLog::cursor_of(i)) return;
      }
      ++right;
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
  CHECK(right == kReaders);
  CHECK(eventually([&] { return harness.server.statistics().events_sent == kReaders * kEvents; }));
}

TEST_CASE("a stream brings only the types and pools it was asked for") {
  Harness harness;
  harness.log.append(call_event("1", v1::CALL_EVENT_TYPE_RINGING, "pools/main"));
  harness.log.append(call_event("2", v1::CALL_EVENT_TYPE_ENDED, "pools/main"));
  harness.log.append(call_event("3", v1::CALL_EVENT_TYPE_ENDED, "pools/strict"));
  harness.log.append(call_event("4", v1::CALL_EVENT_TYPE_ENDED, ""));
  v1::CallEventsStart start = oldest();
  start.add_types(v1::CALL_EVENT_TYPE_ENDED);
  start.add_pools("pools/strict");
  Stream narrow(*harness.calls, start);
  CHECK(narrow.next() == "0000003");
  start.clear_pools();
  Stream wide(*harness.calls, start);
  CHECK(wide.next() == "0000002");
  CHECK(wide.next() == "0000003");
  CHECK(wide.next() == "0000004");
}

TEST_CASE("a reader that does not read costs a bounded part of the log and delays nobody") {
  constexpr std::size_t kEvents = 20'000;
  Harness harness;
  v1::CallEvent large = call_event("large");
  large.mutable_call()->set_sip_call_id(std::string(1000, 'x'));
  for (std::size_t i = 0; i < kEvents; ++i) harness.log.append(large);
  Stream stopped(*harness.calls, oldest());
  stopped.place();

  const auto channel = harness.connect();
  const auto stub = v1::CallService::NewStub(channel);
  Stream healthy(*stub, oldest());
  for (std::size_t i = 1; i <= kEvents; ++i) REQUIRE(healthy.next() == MemoryLog::cursor_of(i));

  const std::size_t read_for_stopped = harness.log.read_count() - kEvents;
  CHECK(read_for_stopped < kEvents / 4);
}

TEST_CASE("a client that goes away leaves nothing behind") {
  Harness harness;
  Stream stream(*harness.calls, oldest());
  stream.place();
  CHECK(harness.server.statistics().streams_open == 1);
  stream.cancel();
  CHECK(stream.finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(eventually([&] { return harness.server.statistics().streams_open == 0; }));
  const auto errors = harness.server.statistics().errors;
  REQUIRE(errors.size() == 1);
  CHECK(errors.front().reason == "CALLER_GONE");
  harness.log.append(call_event("nobody listens"));
}

TEST_CASE("a client may close its side once it has started, and acknowledge before") {
  Harness harness;
  harness.log.append(call_event("a"));
  Stream stream(*harness.calls, oldest());
  CHECK(stream.next() == "0000001");
  stream.acknowledge("0000001");
  stream.close_own_side();
  harness.log.append(call_event("b"));
  CHECK(stream.next() == "0000002");
}

TEST_CASE("a stream that does not begin with a start is refused") {
  Harness harness;
  Stream acknowledging(*harness.calls);
  acknowledging.acknowledge("0000001");
  CHECK(reason_of(acknowledging, grpc::StatusCode::INVALID_ARGUMENT) == "STREAM_START_MISSING");
  Stream silent(*harness.calls);
  silent.close_own_side();
  CHECK(reason_of(silent, grpc::StatusCode::INVALID_ARGUMENT) == "STREAM_START_MISSING");
}

TEST_CASE("a second start, and a message that says nothing, end the stream") {
  Harness harness;
  Stream twice(*harness.calls, oldest());
  twice.send(oldest());
  CHECK(reason_of(twice, grpc::StatusCode::INVALID_ARGUMENT) == "STREAM_START_REPEATED");
  Stream empty(*harness.calls, oldest());
  empty.send_nothing();
  CHECK(reason_of(empty, grpc::StatusCode::INVALID_ARGUMENT) == "FIELD_REQUIRED");
}

TEST_CASE("a mistake in a start is refused with its reason") {
  Harness harness;
  harness.log.append(call_event("a"));
  v1::CallEventsStart named;
  named.set_subscription("not a word");
  Stream subscribed(*harness.calls, named);
  CHECK(reason_of(subscribed, grpc::StatusCode::INVALID_ARGUMENT) == "FIELD_MALFORMED");
  named.set_subscription("crm");
  named.set_until_latest(true);
  Stream ending(*harness.calls, named);
  CHECK(reason_of(ending, grpc::StatusCode::INVALID_ARGUMENT) == "FIELD_MALFORMED");
  Stream foreign(*harness.calls, after("not ours"));
  CHECK(reason_of(foreign, grpc::StatusCode::INVALID_ARGUMENT) == "CURSOR_MALFORMED");
}

TEST_CASE("a cursor the log has forgotten is out of range, with the oldest one at hand") {
  Harness harness;
  for (int i = 0; i < 10; ++i) harness.log.append(call_event("x"));
  harness.log.trim(5);
  Stream stream(*harness.calls, after("0000002"));
  CHECK(stream.next().empty());
  const grpc::Status status = stream.finish();
  CHECK(status.error_code() == grpc::StatusCode::OUT_OF_RANGE);
  CHECK(error_info(status).reason() == "CURSOR_TRIMMED");
  CHECK(error_info(status).metadata().at("oldest_cursor") == "0000005");
}

TEST_CASE("while the log cannot be read a stream is unavailable and says when to retry") {
  Harness harness;
  harness.log.fail(true);
  Stream stream(*harness.calls, oldest());
  CHECK(stream.next().empty());
  const grpc::Status status = stream.finish();
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(status).reason() == "LOG_UNAVAILABLE");
  CHECK(retry_delay(status) == std::chrono::seconds(1));
}

TEST_CASE("one stream more than the limit is refused, and admitted when another has gone") {
  ServerConfig config;
  config.max_event_streams = 1;
  Harness harness(nullptr, config);
  Stream first(*harness.calls, oldest());
  first.place();
  Stream second(*harness.calls, oldest());
  CHECK(reason_of(second, grpc::StatusCode::RESOURCE_EXHAUSTED) == "TOO_MANY_STREAMS");
  CHECK(harness.server.statistics().streams_refused == 1);
  first.cancel();
  first.finish();
  REQUIRE(eventually([&] { return harness.server.statistics().streams_open == 0; }));
  Stream third(*harness.calls, oldest());
  third.place();
}

TEST_CASE("a gateway that stops ends its streams with the cursor to go on from") {
  Harness harness;
  harness.log.append(call_event("a"));
  harness.log.append(call_event("b"));
  Stream read(*harness.calls, oldest());
  CHECK(read.next() == "0000001");
  CHECK(read.next() == "0000002");
  Stream fresh(*harness.calls, after("0000002"));
  fresh.place();
  // The transport tells of a write's end after the client may have read it.
  REQUIRE(eventually([&] { return harness.server.statistics().events_sent == 2; }));

  harness.server.stop(std::chrono::seconds(10));
  for (Stream* stream : {&read, &fresh}) {
    CHECK(stream->next().empty());
    const grpc::Status status = stream->finish();
    CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
    const auto info = error_info(status);
    CHECK(info.reason() == "DRAINING");
    CHECK(info.metadata().at("cursor") == "0000002");
  }
}

TEST_CASE("a subscriber killed and restarted fifty times under load deals with every event") {
  const auto mode = GENERATE(v1::CONSUMER_MODE_FOLLOW, v1::CONSUMER_MODE_SHARE);
  constexpr std::size_t kEvents = 5000;
  Harness harness;
  std::thread writer([&] {
    for (std::size_t i = 1; i <= kEvents; ++i) {
      v1::CallEvent event = call_event("e");
      event.mutable_call()->set_call_id("c" + std::to_string(i % 7));
      harness.log.append(event);
    }
  });
  v1::CallEventsStart start;
  start.set_subscription("crm");
  start.set_mode(mode);
  std::set<std::string> seen;
  std::string acknowledged;
  bool went_back = false;
  for (int life = 0; life < 51; ++life) {
    const bool last = life == 50;
    Stream stream(*harness.calls, start);
    for (std::size_t read = 0; last ? seen.size() < kEvents : read < 60; ++read) {
      if (!last && seen.size() == kEvents) break;  // all of it has been seen already
      const std::string cursor = stream.next();
      if (cursor.empty()) break;
      // What this client's last life had acknowledged for certain does not come again.
      went_back = went_back || cursor <= acknowledged;
      seen.insert(cursor);
      if (read % 7 == 0) stream.acknowledge(cursor);
    }
    stream.vanish();
    // A stream that is gone acknowledges no more; two streams of one life would share or follow each other.
    CHECK(eventually([&] { return harness.server.statistics().streams_open == 0; }));
    acknowledged = harness.subscriptions.place("crm");
  }
  writer.join();
  CHECK(seen.size() == kEvents);
  CHECK_FALSE(went_back);
  CHECK_FALSE(acknowledged.empty());
}

TEST_CASE("two streams of one subscription share its events over the wire") {
  Harness harness;
  v1::CallEventsStart start;
  start.set_subscription("crm");
  start.set_mode(v1::CONSUMER_MODE_SHARE);
  Stream first(*harness.calls, start);
  Stream second(*harness.calls, start);
  first.place();
  second.place();
  for (const char* call : {"a", "b"}) {
    v1::CallEvent event = call_event("e");
    event.mutable_call()->set_call_id(call);
    harness.log.append(event);
  }
  const std::set<std::string> got = {first.next(), second.next()};
  CHECK(got == std::set<std::string>{"0000001", "0000002"});
  Stream other(*harness.calls, [] {
    v1::CallEventsStart follow;
    follow.set_subscription("crm");
    return follow;
  }());
  CHECK(reason_of(other, grpc::StatusCode::FAILED_PRECONDITION) == "SUBSCRIPTION_OPEN_OTHERWISE");
}

}  // namespace
}  // namespace ringtrace::rpc::testing
