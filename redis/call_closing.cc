#include "redis/call_closing.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <string_view>

#include "proto/from_pool.h"

namespace ringtrace::redis {
namespace {

using google::protobuf::util::TimeUtil;

bool same_dialog(const v1::Call& call, const std::string& sip_call_id) {
  return call.sip_call_id().empty() || sip_call_id.empty() || call.sip_call_id() == sip_call_id;
}

/// Never negative: the clocks of two processes may differ.
google::protobuf::Duration between(pool::Time from, pool::Time to) {
  return TimeUtil::MillisecondsToDuration(std::max<std::int64_t>(0, (to - from).count()));
}

void end(v1::CallEvent& event, v1::CallOutcome outcome, pool::Time at) {
  event.clear_cursor();
  event.set_event_id(event.call().call_id() + "-ended");
  event.set_type(v1::CALL_EVENT_TYPE_ENDED);
  *event.mutable_event_time() = to_timestamp(at);
  v1::Call& call = *event.mutable_call();
  call.set_state(v1::CALL_STATE_ENDED);
  call.set_outcome(outcome);
  *call.mutable_end_time() = to_timestamp(at);
}

}  // namespace

std::optional<pool::Time> start_of_call(const std::string& call_id) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  if (call_id.size() != 26) return std::nullopt;
  std::int64_t milliseconds = 0;
  for (const char c : call_id.substr(0, 10)) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    milliseconds = milliseconds * 32 + static_cast<std::int64_t>(digit);
  }
  return pool::Time(pool::Duration(milliseconds));
}

std::optional<v1::CallEvent> closing_event(const v1::CallEvent& open, const CallClosing& closing) {
  if (!same_dialog(open.call(), closing.sip_call_id) || open.call().state() == v1::CALL_STATE_ENDED)
    return std::nullopt;

  v1::CallEvent event = open;
  event.mutable_call()->set_call_id(closing.call_id);
  // A BYE ends what was answered. When nobody was there to see the answer, its time stays unknown.
  end(event, v1::CALL_OUTCOME_ANSWERED, closing.end_time);
  v1::Call& call = *event.mutable_call();
  if (call.has_answer_time()) {
    const pool::Time answer = from_timestamp(call.answer_time());
    *call.mutable_ring_duration() = between(from_timestamp(call.start_time()), answer);
    *call.mutable_talk_duration() = between(answer, closing.end_time);
  }
  return event;
}

std::optional<v1::CallEvent> closing_event(const CallClosing& closing) {
  const std::optional<pool::Time> start = start_of_call(closing.call_id);
  if (!start) return std::nullopt;
  v1::CallEvent event;
  event.mutable_call()->set_call_id(closing.call_id);
  event.mutable_call()->set_sip_call_id(closing.sip_call_id);
  *event.mutable_call()->mutable_start_time() = to_timestamp(*start);
  end(event, v1::CALL_OUTCOME_ANSWERED, closing.end_time);
  return event;
}

std::optional<v1::CallEvent> resumed_event(const v1::CallEvent& open, const v1::CallEvent& saw) {
  const v1::Call& seen = saw.call();
  // The states are in the order of a call's life. What fails after an answer is an attempt that lost.
  if (open.call().state() >= seen.state() || open.call().state() == v1::CALL_STATE_ANSWERED ||
      !same_dialog(open.call(), seen.sip_call_id())) {
    return std::nullopt;
  }
  v1::CallEvent event = saw;
  v1::Call& call = *event.mutable_call();
  call = open.call();
  call.set_state(seen.state());
  call.set_sip_status(seen.sip_status());
  if (seen.has_ringing_time() && !call.has_ringing_time()) *call.mutable_ringing_time() = seen.ringing_time();
  if (seen.has_answer_time()) *call.mutable_answer_time() = seen.answer_time();
  if (seen.has_end_time()) {
    *call.mutable_end_time() = seen.end_time();
    call.set_outcome(seen.outcome());
    *call.mutable_ring_duration() =
        between(from_timestamp(call.start_time()), from_timestamp(seen.end_time()));
    *call.mutable_talk_duration() = between(pool::kNever, pool::kNever);
  }
  return event;
}

std::optional<v1::CallEvent> overage_event(const v1::CallEvent& open, pool::Time now) {
  if (open.call().state() == v1::CALL_STATE_ENDED) return std::nullopt;
  v1::CallEvent event = open;
  end(event, v1::CALL_OUTCOME_UNKNOWN_END, now);
  return event;
}

}  // namespace ringtrace::redis
