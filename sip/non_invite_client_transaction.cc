#include "sip/non_invite_client_transaction.h"

#include <algorithm>

namespace ringtrace::sip {

Actions NonInviteClientTransaction::start() {
  Actions actions;
  actions.transmit();
  interval_e_ = times_.t1;
  if (!reliable_) actions.start(Timer::kE, interval_e_);
  actions.start(Timer::kF, times_.t1x64());
  return actions;
}

Actions NonInviteClientTransaction::receive(int status) {
  Actions actions;
  if (!is_pending()) return actions;
  if (status < 200) {
    state_ = State::kProceeding;
    actions.deliver();
    return actions;
  }
  actions.stop(Timer::kE);
  actions.stop(Timer::kF);
  actions.deliver();
  if (reliable_) {
    state_ = State::kTerminated;
    actions.terminate();
  } else {
    state_ = State::kCompleted;
    actions.start(Timer::kK, times_.t4);
  }
  return actions;
}

Actions NonInviteClientTransaction::on_timer(Timer timer) {
  Actions actions;
  if (timer == Timer::kE && is_pending()) {
    interval_e_ = state_ == State::kProceeding ? times_.t2 : std::min(2 * interval_e_, times_.t2);
    actions.transmit();
    actions.start(Timer::kE, interval_e_);
  } else if (timer == Timer::kF && is_pending()) {
    state_ = State::kTerminated;
    actions.stop(Timer::kE);
    actions.timeout();
    actions.terminate();
  } else if (timer == Timer::kK && state_ == State::kCompleted) {
    state_ = State::kTerminated;
    actions.terminate();
  }
  return actions;
}

Actions NonInviteClientTransaction::transport_error() {
  Actions actions;
  if (!is_pending()) return actions;
  state_ = State::kTerminated;
  actions.stop(Timer::kE);
  actions.stop(Timer::kF);
  actions.transport_failure();
  actions.terminate();
  return actions;
}

}  // namespace ringtrace::sip
