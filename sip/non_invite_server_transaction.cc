#include "sip/non_invite_server_transaction.h"

namespace ringtrace::sip {

Actions NonInviteServerTransaction::receive_request() {
  Actions actions;
  if (state_ == State::kProceeding || state_ == State::kCompleted) actions.transmit();
  return actions;
}

Actions NonInviteServerTransaction::respond(int status) {
  Actions actions;
  if (state_ != State::kTrying && state_ != State::kProceeding) return actions;
  actions.transmit();
  if (status < 200) {
    state_ = State::kProceeding;
  } else if (reliable_) {
    state_ = State::kTerminated;
    actions.terminate();
  } else {
    state_ = State::kCompleted;
    actions.start(Timer::kJ, times_.t1x64());
  }
  return actions;
}

Actions NonInviteServerTransaction::on_timer(Timer timer) {
  Actions actions;
  if (timer == Timer::kJ && state_ == State::kCompleted) {
    state_ = State::kTerminated;
    actions.terminate();
  }
  return actions;
}

Actions NonInviteServerTransaction::abandon() {
  Actions actions;
  if (state_ == State::kTrying || state_ == State::kProceeding) {
    state_ = State::kTerminated;
    actions.terminate();
  }
  return actions;
}

}  // namespace ringtrace::sip
