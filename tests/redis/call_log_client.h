#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/from_pool.h"
#include "redis/call_log.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {

using redis::CallLogPage;
using Status = CallLogPage::Status;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline const pool::Time kStart{milliseconds(1'700'000'000'000)};

inline v1::CallEvent event_of(const std::string& call, v1::CallEventType type, const std::string& word) {
  v1::CallEvent event;
  event.set_event_id(call + "-" + word);
  event.set_type(type);
  event.mutable_call()->set_call_id(call);
  event.mutable_call()->set_sip_call_id("sip-" + call);
  *event.mutable_call()->mutable_start_time() = to_timestamp(kStart);
  return event;
}

inline v1::CallEvent ringing(const std::string& call) {
  v1::CallEvent event = event_of(call, v1::CALL_EVENT_TYPE_RINGING, "ringing");
  event.mutable_call()->set_state(v1::CALL_STATE_RINGING);
  return event;
}

inline v1::CallEvent answered(const std::string& call) {
  v1::CallEvent event = event_of(call, v1::CALL_EVENT_TYPE_ANSWERED, "answered");
  event.mutable_call()->set_state(v1::CALL_STATE_ANSWERED);
  *event.mutable_call()->mutable_answer_time() = to_timestamp(kStart + seconds(4));
  return event;
}

inline v1::CallEvent ended(const std::string& call) {
  v1::CallEvent event = event_of(call, v1::CALL_EVENT_TYPE_ENDED, "ended");
  event.mutable_call()->set_state(v1::CALL_STATE_ENDED);
  return event;
}

/// A call log on a connection of its own.
struct LogClient {
  explicit LogClient(redis::ConnectionOptions connection, redis::CallLogOptions options = {})
      : client(std::move(connection)), log(client.connection(), options, {}) {
    log.watch([this] { news.put(1); });
  }
  explicit LogClient(const RedisServer& server, redis::CallLogOptions options = {})
      : LogClient(Client::options_for(server.unix_endpoint()), options) {
    client.start_and_wait();
  }
  ~LogClient() { client.loop().stop(); }

  bool settled() {
    return eventually([this] { return log.stats().queued == 0; });
  }

  CallLogPage read(const std::string& cursor, std::size_t max = 1'000) {
    Inbox<CallLogPage> pages;
    log.read_after(cursor, max, [&](CallLogPage page) { pages.put(std::move(page)); });
    return pages.take();
  }

  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    for (const v1::CallEvent& event : read("").events) ids.push_back(event.event_id());
    return ids;
  }

  std::optional<std::string> latest() {
    Inbox<std::optional<std::string>> cursors;
    log.latest_cursor([&](std::optional<std::string> cursor) { cursors.put(std::move(cursor)); });
    return cursors.take();
  }

  Inbox<int> news;
  Client client;
  redis::RedisCallLog log;
};

using Ids = std::vector<std::string>;

}  // namespace ringtrace::test
