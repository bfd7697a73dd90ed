#include "bench/store_events.h"

#include <string>
#include <vector>

#include "bench/store_world.h"
#include "proto/from_pool.h"
#include "proto/json_text.h"
#include "redis/call_log.h"

namespace ringtrace::bench {
namespace {

/// So many calls are under way at a time.
constexpr int kOpen = 2'000;
/// The log's length: it is full for most of the time, as a log is, and lets the oldest go.
constexpr std::uint64_t kLength = 5'000;
constexpr std::uint64_t kNumbers = 1'000;

/// A call to a number that a visit of a search advertisement held.
v1::CallEvent event_at(int index, v1::CallEventType type, pool::Time now) {
  const pool::LeaseRecord lease = record_at(static_cast<std::uint64_t>(index), kNumbers, now);
  v1::CallEvent event;
  event.set_event_id(lease.visit_id.substr(9) + "-" + std::to_string(type));
  event.set_type(type);
  *event.mutable_event_time() = to_timestamp(now);
  v1::Call& call = *event.mutable_call();
  call.set_call_id(lease.visit_id);
  call.set_sip_call_id(lease.visit_id + "@carrier.example");
  call.set_dialed_number(lease.number.to_string());
  call.set_caller("+7916" + std::to_string(1'000'000 + index % 1'000'000));
  call.set_trunk("carrier");
  call.set_line("office");
  call.set_state(type == v1::CALL_EVENT_TYPE_RINGING    ? v1::CALL_STATE_RINGING
                 : type == v1::CALL_EVENT_TYPE_ANSWERED ? v1::CALL_STATE_ANSWERED
                                                        : v1::CALL_STATE_ENDED);
  *call.mutable_start_time() = to_timestamp(now);
  *call.mutable_ringing_time() = to_timestamp(now);
  if (type != v1::CALL_EVENT_TYPE_RINGING) *call.mutable_answer_time() = to_timestamp(now);
  if (type == v1::CALL_EVENT_TYPE_ENDED) call.set_outcome(v1::CALL_OUTCOME_ANSWERED);
  v1::Resolution& resolution = *call.mutable_resolution();
  resolution.set_method(v1::RESOLUTION_METHOD_ACTIVE_LEASE);
  resolution.set_source(lease.source);
  resolution.set_pool(lease.pool);
  resolution.mutable_visit()->set_visit_id(lease.visit_id);
  resolution.mutable_visit()->mutable_attributes()->set_utm_source("google");
  resolution.mutable_visit()->mutable_attributes()->set_utm_campaign("spring sale");
  return event;
}

/// Serialized, as the gateway hands them over.
std::vector<std::string> events_of(int calls) {
  std::vector<std::string> events;
  const pool::Time now = present();
  for (int i = 0; i < calls + 2 * kOpen; ++i) {
    const auto add = [&](int index, v1::CallEventType type) {
      if (index >= 0 && index < calls) events.push_back(event_at(index, type, now).SerializeAsString());
    };
    add(i, v1::CALL_EVENT_TYPE_RINGING);
    add(i - kOpen, v1::CALL_EVENT_TYPE_ANSWERED);
    add(i - 2 * kOpen, v1::CALL_EVENT_TYPE_ENDED);
  }
  return events;
}

}  // namespace

double call_events_per_second(const test::RedisServer& server, int calls) {
  server.command({"FLUSHALL"});
  const std::vector<std::string> events = events_of(calls);
  StoreWorld world(server);
  redis::RedisCallLog log(world.connection, {.max_length = kLength, .max_queued = events.size()}, {});
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& event : events)
    if (!log.append(event)) throw std::runtime_error("an event was refused");
  world.run_until([&] { return log.stats().written == events.size(); });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(events.size()) / taken.count();
}

double plain_events_per_second(const test::RedisServer& server, int calls) {
  server.command({"FLUSHALL"});
  std::vector<std::string> texts;
  for (const std::string& event : events_of(calls))
    append_json(*v1::CallEvent::descriptor(), event, texts.emplace_back());
  PlainClient client(server);
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& text : texts)
    client.run({"XADD", "events", "MAXLEN", "~", std::to_string(kLength), "*", "json", text});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(texts.size()) / taken.count();
}

}  // namespace ringtrace::bench
