#include "redis/call_closing.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "proto/from_pool.h"

namespace ringtrace::redis {
namespace {

using google::protobuf::util::TimeUtil;

/// Never negative: the clocks of two processes may differ.
google::protobuf::Duration between(pool::Time from, pool::Time to) {
  return TimeUtil::MillisecondsToDuration(std::max<std::int64_t>(0, (to - from).count()));
}

}  // namespace

std::optional<v1::CallEvent> closing_event(const v1::CallEvent& open, const CallClosing& closing) {
  const bool same_dialog = open.call().sip_call_id().empty() || closing.sip_call_id.empty() ||
                           open.call().sip_call_id() == closing.sip_call_id;
  if (!same_dialog || open.call().state() == v1::CALL_STATE_ENDED) return std::nullopt;

  v1::CallEvent event = open;
  event.clear_cursor();
  event.set_event_id(closing.call_id + "-ended");
  event.set_type(v1::CALL_EVENT_TYPE_ENDED);
  *event.mutable_event_time() = to_timestamp(closing.end_time);

  v1::Call& call = *event.mutable_call();
  call.set_state(v1::CALL_STATE_ENDED);
  *call.mutable_end_time() = to_timestamp(closing.end_time);
  // A BYE ends what was answered. When nobody was there to see the answer, its time stays unknown.
  call.set_outcome(v1::CALL_OUTCOME_ANSWERED);
  if (call.has_answer_time()) {
    const pool::Time answer = from_timestamp(call.answer_time());
    *call.mutable_ring_duration() = between(from_timestamp(call.start_time()), answer);
    *call.mutable_talk_duration() = between(answer, closing.end_time);
  }
  return event;
}

}  // namespace ringtrace::redis
