#include "sip/call.h"

#include <algorithm>
#include <utility>

#include "proto/from_pool.h"
#include "sip/config.h"

namespace ringtrace::sip {
namespace {

void set_duration(google::protobuf::Duration& duration, SteadyTime::duration length) {
  const auto clamped = std::max(length, SteadyTime::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clamped);
  duration.set_seconds(seconds.count());
  duration.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(clamped - seconds).count()));
}

}  // namespace

std::string event_id_of(std::string_view call_id, v1::CallEventType type) {
  std::string id(call_id);
  switch (type) {
    case v1::CALL_EVENT_TYPE_RINGING:
      return id += "-ringing";
    case v1::CALL_EVENT_TYPE_ANSWERED:
      return id += "-answered";
    default:
      return id += "-ended";
  }
}

v1::CallOutcome outcome_of_failure(int status) {
  switch (status) {
    case 486:
    case 600:
      return v1::CALL_OUTCOME_BUSY;
    case 408:
    case 480:
    case 487:
      return v1::CALL_OUTCOME_NO_ANSWER;
    default:
      return v1::CALL_OUTCOME_FAILED;
  }
}

CallId CallBook::begin(NewCall call, std::chrono::milliseconds maximum_age, Instant now) {
  const CallId id = CallId::make(now.wall, random_);
  Call& entry = calls_[id.low()];
  entry.id = id;
  entry.start = now.steady;
  entry.caller_tag = std::move(call.caller_tag);
  v1::Call& record = entry.record;
  record.set_call_id(id.to_string());
  record.set_dialed_number(std::move(call.dialed_number));
  record.set_caller(std::move(call.caller));
  record.set_forwarded_from(std::move(call.forwarded_from));
  record.set_trunk(std::move(call.trunk));
  record.set_sip_call_id(std::move(call.sip_call_id));
  record.set_state(v1::CALL_STATE_ROUTING);
  *record.mutable_start_time() = to_timestamp(now.wall);
  *record.mutable_resolution() = std::move(call.resolution);
  entry.maximum_age = maximum_age;
  // No unanswered call lives this long: the transactions end it first.
  entry.oldest = now.steady + kLongestSetup + maximum_age;
  entry.timer = timers_.start(entry.oldest, {id.low(), kTimer});
  ++live_;
  ProxyStats::count(stats_.calls_started);
  const auto method = static_cast<std::size_t>(record.resolution().method());
  if (method < stats_.calls_resolved.size()) ProxyStats::count(stats_.calls_resolved[method]);
  stats_.live_calls.store(live_, std::memory_order_relaxed);
  return id;
}

CallBook::Call* CallBook::find(const CallId& id) {
  const auto found = calls_.find(id.low());
  return found == calls_.end() || found->second.id != id ? nullptr : &found->second;
}

CallBook::Call* CallBook::find_live(const CallId& id) {
  Call* call = find(id);
  return call == nullptr || call->ended ? nullptr : call;
}

void CallBook::set_line(const CallId& id, const std::string& line) {
  if (Call* call = find_live(id)) call->record.set_line(line);
}

void CallBook::ringing(const CallId& id, Instant now) {
  Call* call = find_live(id);
  if (call == nullptr || call->record.has_ringing_time() || call->answer) return;
  call->record.set_state(v1::CALL_STATE_RINGING);
  *call->record.mutable_ringing_time() = to_timestamp(now.wall);
  emit(call->record, v1::CALL_EVENT_TYPE_RINGING, now);
}

void CallBook::answered(const CallId& id, std::string_view line_tag, int status, Instant now) {
  Call* call = find_live(id);
  if (call == nullptr || call->answer) return;
  call->answer = now.steady;
  call->oldest = now.steady + call->maximum_age;
  timers_.stop(call->timer);
  call->timer = timers_.start(call->oldest, {id.low(), kTimer});
  call->line_tag = line_tag;
  call->record.set_state(v1::CALL_STATE_ANSWERED);
  call->record.set_sip_status(status);
  *call->record.mutable_answer_time() = to_timestamp(now.wall);
  emit(call->record, v1::CALL_EVENT_TYPE_ANSWERED, now);
}

void CallBook::refreshed(const CallId& id, std::string_view caller_tag, std::string_view line_tag,
                         std::optional<std::chrono::seconds> session, Instant now) {
  Call* call = find_live(id);
  if (call == nullptr || !call->answer || call->caller_tag != caller_tag || call->line_tag != line_tag)
    return;
  timers_.stop(call->timer);
  const SteadyTime end = session ? now.steady + *session + kRefreshGrace : call->oldest;
  call->timer = timers_.start(std::min(end, call->oldest), {id.low(), kTimer});
}

void CallBook::failed(const CallId& id, v1::CallOutcome outcome, int status, Instant now) {
  Call* call = find_live(id);
  if (call == nullptr || call->answer) return;
  call->record.set_sip_status(status);
  end(*call, outcome, now);
  timers_.stop(call->timer);
  calls_.erase(id.low());
}

void CallBook::hung_up(const CallId& id, std::string_view sip_call_id, std::string_view caller_tag,
                       std::string_view line_tag, Instant at) {
  Call* call = find(id);
  if (call == nullptr) {
    ProxyStats::count(stats_.calls_closed_unknown);
    sink_.close_unknown(
        {id.to_string(), std::string(sip_call_id), std::string(caller_tag), std::string(line_tag), at.wall});
    return;
  }
  const bool same_dialog = call->answer && call->caller_tag == caller_tag && call->line_tag == line_tag;
  if (call->ended || !same_dialog || call->record.sip_call_id() != sip_call_id) return;
  end(*call, v1::CALL_OUTCOME_ANSWERED, at);
  timers_.stop(call->timer);
  call->timer = timers_.start_tidy(at.steady + kAfterlife, {id.low(), kTimer});
}

void CallBook::on_timer(std::uint64_t owner, Instant now) {
  const auto found = calls_.find(owner);
  if (found == calls_.end()) return;
  if (!found->second.ended) end(found->second, v1::CALL_OUTCOME_UNKNOWN_END, now);
  calls_.erase(found);
}

void CallBook::end(Call& call, v1::CallOutcome outcome, Instant at) {
  v1::Call& record = call.record;
  record.set_state(v1::CALL_STATE_ENDED);
  record.set_outcome(outcome);
  *record.mutable_end_time() = to_timestamp(at.wall);
  set_duration(*record.mutable_ring_duration(), call.answer.value_or(at.steady) - call.start);
  set_duration(*record.mutable_talk_duration(), at.steady - call.answer.value_or(at.steady));
  emit(record, v1::CALL_EVENT_TYPE_ENDED, at);
  v1::Call().Swap(&record);  // nothing is told of it any more
  call.ended = true;
  --live_;
  ProxyStats::count(stats_.calls_ended[static_cast<std::size_t>(outcome)]);
  stats_.live_calls.store(live_, std::memory_order_relaxed);
}

void CallBook::emit(v1::Call& record, v1::CallEventType type, Instant now) {
  event_.set_event_id(event_id_of(record.call_id(), type));
  event_.set_type(type);
  *event_.mutable_event_time() = to_timestamp(now.wall);
  // Lent, because a copy of it costs as much as the rest of the event.
  event_.mutable_call()->Swap(&record);
  sink_.record(event_);
  event_.mutable_call()->Swap(&record);
}

}  // namespace ringtrace::sip
