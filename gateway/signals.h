#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "gateway/mailbox.h"

namespace ringtrace::gateway {

/// SIGTERM and SIGINT become Notice::kStop, SIGHUP Notice::kReload. A second SIGTERM or SIGINT ends the
/// process at once with status 1. Runs on a loop; SIGPIPE is ignored from construction on.
class Signals {
 public:
  Signals(boost::asio::io_context& io, Mailbox& mailbox);

 private:
  void wait();

  boost::asio::signal_set set_;
  Mailbox& mailbox_;
  bool stopping_ = false;
};

}  // namespace ringtrace::gateway
