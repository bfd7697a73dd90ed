#include "sip/earlier_calls.h"

#include <algorithm>
#include <utility>

#include "proto/from_pool.h"
#include "sip/caller.h"

namespace ringtrace::sip {
namespace {

Party party_of(const UriView& uri, const Trunk* trunk) {
  const auto number = trunk == nullptr ? std::nullopt : trunk->numbers.read(uri.user);
  return {number, display_number(number, uri.user)};
}

}  // namespace

void EarlierCalls::see(const ViaBranch& branch, const Message& response, const Trunk* trunk,
                       std::string_view line, const Instant& now) {
  if (!branch.call) return;
  const int status = response.status();
  if (response.method() == Method::kBye) see_bye(branch, response, now);
  if (response.method() != Method::kInvite || (status < 200 && status != 180 && status != 183)) return;

  const Stage stage = status < 200 ? Stage::kRinging : status < 300 ? Stage::kAnswered : Stage::kEnded;
  if (told_.size() >= kMaximum) told_.clear();
  Stage& told = told_[branch.call->low()];
  // An attempt that lost fails when another has been answered.
  if (told >= stage || (told == Stage::kAnswered && stage == Stage::kEnded)) return;
  told = stage;

  v1::CallEvent event = event_of(branch, response, trunk, line);
  v1::Call& call = *event.mutable_call();
  *event.mutable_event_time() = to_timestamp(now.wall);
  switch (stage) {
    case Stage::kNothing:
    case Stage::kRinging:
      event.set_type(v1::CALL_EVENT_TYPE_RINGING);
      call.set_state(v1::CALL_STATE_RINGING);
      *call.mutable_ringing_time() = to_timestamp(now.wall);
      break;
    case Stage::kAnswered:
      event.set_type(v1::CALL_EVENT_TYPE_ANSWERED);
      call.set_state(v1::CALL_STATE_ANSWERED);
      call.set_sip_status(status);
      *call.mutable_answer_time() = to_timestamp(now.wall);
      break;
    case Stage::kEnded:
      event.set_type(v1::CALL_EVENT_TYPE_ENDED);
      call.set_state(v1::CALL_STATE_ENDED);
      call.set_sip_status(status);
      // Only a CANCEL brings 487 about, and the only one who sent one is the process that was killed.
      call.set_outcome(status == 487 ? v1::CALL_OUTCOME_CANCELLED : outcome_of_failure(status));
      *call.mutable_end_time() = to_timestamp(now.wall);
      break;
  }
  event.set_event_id(event_id_of(call.call_id(), event.type()));
  sink_.resume(event);
}

v1::CallEvent EarlierCalls::event_of(const ViaBranch& branch, const Message& response, const Trunk* trunk,
                                     std::string_view line) const {
  v1::CallEvent event;
  v1::Call& call = *event.mutable_call();
  const WallTime start = branch.call->time();
  const Party dialed = party_of(response.to_uri(), trunk);
  Party caller;
  if (branch.sender != Sender::kWithheldCaller) caller = party_of(response.from_uri(), trunk);
  call.set_call_id(branch.call->to_string());
  call.set_sip_call_id(std::string(response.sip_call_id()));
  call.set_dialed_number(dialed.text);
  call.set_caller(caller.text);
  if (trunk != nullptr) call.set_trunk(trunk->name);
  call.set_line(std::string(line));
  *call.mutable_start_time() = to_timestamp(start);
  *call.mutable_resolution() = attribution_.attribute(
      {dialed.number.value_or(pool::Number{}), caller.number.value_or(pool::Number{}), start});
  return event;
}

void EarlierCalls::see_bye(const ViaBranch& branch, const Message& response, const Instant& now) {
  // 481 says that the tags belong to no dialog: nobody here knows the right ones.
  if (response.status() < 200 || response.status() >= 300) return;
  std::string caller_tag(response.from_tag());
  std::string line_tag(response.to_tag());
  if (branch.sender == Sender::kLine) std::swap(caller_tag, line_tag);
  sink_.close_unknown({branch.call->to_string(), std::string(response.sip_call_id()), std::move(caller_tag),
                       std::move(line_tag), now.wall});
}

}  // namespace ringtrace::sip
