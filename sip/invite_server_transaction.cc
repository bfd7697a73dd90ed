#include "sip/invite_server_transaction.h"

#include <algorithm>

namespace ringtrace::sip {

Actions InviteServerTransaction::receive_invite() {
  Actions actions;
  const bool replays = state_ == State::kCompleted || (state_ == State::kProceeding && has_response_);
  if (replays) actions.transmit();
  return actions;
}

Actions InviteServerTransaction::receive_ack() {
  Actions actions;
  if (state_ == State::kAccepted) actions.deliver();
  if (state_ != State::kCompleted) return actions;
  actions.stop(Timer::kG);
  actions.stop(Timer::kH);
  if (reliable_) {
    state_ = State::kTerminated;
    actions.terminate();
  } else {
    state_ = State::kConfirmed;
    actions.start(Timer::kI, times_.t4);
  }
  return actions;
}

Actions InviteServerTransaction::respond(int status) {
  Actions actions;
  const bool success = status >= 200 && status < 300;
  if (state_ == State::kAccepted && success) actions.transmit();
  if (state_ != State::kProceeding) return actions;
  has_response_ = true;
  actions.transmit();
  if (success) {
    state_ = State::kAccepted;
    actions.start(Timer::kL, times_.t1x64());
  } else if (status >= 300) {
    state_ = State::kCompleted;
    interval_g_ = times_.t1;
    if (!reliable_) actions.start(Timer::kG, interval_g_);
    actions.start(Timer::kH, times_.t1x64());
  }
  return actions;
}

Actions InviteServerTransaction::on_timer(Timer timer) {
  Actions actions;
  if (timer == Timer::kG && state_ == State::kCompleted) {
    interval_g_ = std::min(2 * interval_g_, times_.t2);
    actions.transmit();
    actions.start(Timer::kG, interval_g_);
  } else if (timer == Timer::kH && state_ == State::kCompleted) {
    state_ = State::kTerminated;
    actions.stop(Timer::kG);
    actions.timeout();
    actions.terminate();
  } else if ((timer == Timer::kI && state_ == State::kConfirmed) ||
             (timer == Timer::kL && state_ == State::kAccepted)) {
    state_ = State::kTerminated;
    actions.terminate();
  }
  return actions;
}

}  // namespace ringtrace::sip
