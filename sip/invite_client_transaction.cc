#include "sip/invite_client_transaction.h"

namespace ringtrace::sip {

Actions InviteClientTransaction::start() {
  Actions actions;
  actions.transmit();
  interval_a_ = times_.t1;
  if (!reliable_) actions.start(Timer::kA, interval_a_);
  actions.start(Timer::kB, times_.t1x64());
  return actions;
}

Actions InviteClientTransaction::receive(int status) {
  Actions actions;
  if (is_pending()) {
    actions.stop(Timer::kA);
    actions.stop(Timer::kB);
    if (status >= 300) actions.acknowledge();
    actions.deliver();
    if (status < 200) {
      state_ = State::kProceeding;
    } else if (status < 300) {
      state_ = State::kAccepted;
      actions.start(Timer::kM, times_.t1x64());
    } else if (reliable_) {
      state_ = State::kTerminated;
      actions.terminate();
    } else {
      state_ = State::kCompleted;
      actions.start(Timer::kD, times_.d);
    }
  } else if (state_ == State::kCompleted && status >= 300) {
    actions.acknowledge();
  } else if (state_ == State::kAccepted && status >= 200 && status < 300) {
    actions.deliver();
  }
  return actions;
}

Actions InviteClientTransaction::on_timer(Timer timer) {
  Actions actions;
  if (timer == Timer::kA && state_ == State::kCalling) {
    interval_a_ *= 2;
    actions.transmit();
    actions.start(Timer::kA, interval_a_);
  } else if (timer == Timer::kB && state_ == State::kCalling) {
    state_ = State::kTerminated;
    actions.stop(Timer::kA);
    actions.timeout();
    actions.terminate();
  } else if ((timer == Timer::kD && state_ == State::kCompleted) ||
             (timer == Timer::kM && state_ == State::kAccepted)) {
    state_ = State::kTerminated;
    actions.terminate();
  }
  return actions;
}

Actions InviteClientTransaction::transport_error() {
  Actions actions;
  if (state_ != State::kCalling && state_ != State::kCompleted) return actions;
  actions.stop(Timer::kA);
  actions.stop(Timer::kB);
  actions.stop(Timer::kD);
  if (state_ == State::kCalling) actions.transport_failure();
  state_ = State::kTerminated;
  actions.terminate();
  return actions;
}

Actions InviteClientTransaction::abandon() {
  Actions actions;
  if (!is_pending()) return actions;
  actions.stop(Timer::kA);
  actions.stop(Timer::kB);
  state_ = State::kTerminated;
  actions.terminate();
  return actions;
}

}  // namespace ringtrace::sip
