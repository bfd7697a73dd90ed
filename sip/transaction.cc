#include "sip/transaction.h"

namespace ringtrace::sip {

std::string_view timer_name(Timer timer) {
  constexpr std::array<std::string_view, kTimerCount> kNames = {
      "A",    "B",           "D",     "E", "F", "G", "H", "I", "J", "K", "L", "M", "C", "no-provisional",
      "ring", "cancel-wait", "trying"};
  return kNames[static_cast<std::size_t>(timer)];
}

bool Actions::has(Action::Kind kind) const {
  for (const Action& action : *this) {
    if (action.kind == kind) return true;
  }
  return false;
}

std::string describe(const Actions& actions) {
  std::string text;
  for (const Action& action : actions) {
    if (!text.empty()) text += ' ';
    switch (action.kind) {
      case Action::Kind::kTransmit:
        text += "transmit";
        break;
      case Action::Kind::kAcknowledge:
        text += "ack";
        break;
      case Action::Kind::kDeliver:
        text += "deliver";
        break;
      case Action::Kind::kStartTimer:
        text.append("start-").append(timer_name(action.timer));
        text.append("(").append(std::to_string(action.after.count())).append(")");
        break;
      case Action::Kind::kStopTimer:
        text.append("stop-").append(timer_name(action.timer));
        break;
      case Action::Kind::kTimeout:
        text += "timeout";
        break;
      case Action::Kind::kTransportFailure:
        text += "transport-failure";
        break;
      case Action::Kind::kTerminate:
        text += "terminate";
        break;
    }
  }
  return text;
}

}  // namespace ringtrace::sip
