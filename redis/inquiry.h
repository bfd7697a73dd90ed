#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "redis/command.h"
#include "redis/link.h"
#include "redis/options.h"
#include "redis/reply.h"

namespace ringtrace::redis {

/// One question to whichever of several servers answers it first in order, each on a connection of its own:
/// how a master or the nodes of a cluster are found. Internal to the room; io thread only.
struct Inquiry {
  std::vector<Endpoint> servers;
  TlsContext tls;
  std::string user;
  std::string password;
  std::chrono::milliseconds patience{500};  ///< for each server
  /// The question, encoded.
  std::string question;
  /// True for an answer that will do; else the next server is asked.
  std::function<bool(const Reply&)> accept;
  /// Called once: the answer and who gave it, or what kept the last one from it.
  std::function<void(const Reply&, const Endpoint&)> answered;
  std::function<void(std::string problem)> failed;
};

/// Sends it on its way. It ends by itself, at the latest after `patience` for each server.
void inquire(boost::asio::io_context& io, Inquiry inquiry);

}  // namespace ringtrace::redis
