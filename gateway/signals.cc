#include "gateway/signals.h"

#include <csignal>
#include <cstdlib>

namespace ringtrace::gateway {

Signals::Signals(boost::asio::io_context& io, Mailbox& mailbox)
    : set_(io, SIGTERM, SIGINT, SIGHUP), mailbox_(mailbox) {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  wait();
}

void Signals::wait() {
  set_.async_wait([this](boost::system::error_code cancelled, int signal) {
    if (cancelled) return;
    if (signal == SIGHUP) {
      mailbox_.post(Notice::kReload);
    } else {
      if (stopping_) std::_Exit(EXIT_FAILURE);
      stopping_ = true;
      mailbox_.post(Notice::kStop);
    }
    wait();
  });
}

}  // namespace ringtrace::gateway
