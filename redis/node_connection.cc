#include "redis/node_connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "redis/inquiry.h"

namespace ringtrace::redis {

namespace asio = boost::asio;

NodeConnection::NodeConnection(asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log)
    : io_(io),
      options_(std::move(options)),
      tls_(make_tls_context(options_.tls)),
      prepare_(std::move(prepare)),
      log_(std::move(log)),
      overdue_timer_(io),
      attempt_timer_(io),
      watch_timer_(io),
      back_off_(options_.least_back_off),
      random_(std::random_device{}()) {}

void NodeConnection::start() {
  asio::post(io_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->attempt();
  });
}

void NodeConnection::stop() {
  stopped_ = true;
  overdue_timer_.cancel();
  attempt_timer_.cancel();
  watch_timer_.cancel();
  if (link_) link_->close();
  link_.reset();
  answer_all("connection closed");
}

void NodeConnection::execute_asking(Command command, Handler handler) {
  execute_all(Command({"ASKING"}), std::move(command), std::move(handler));
}

void NodeConnection::execute_all(std::optional<Command> before, Command command, Handler handler) {
  const std::size_t size = command.bytes().size();
  if (!meter_.admit(size, options_.max_commands, options_.max_bytes)) {
    return handler({Outcome::kUnavailable, {}, "too many commands are waiting"});
  }
  Waiting waiting{std::move(command).take_bytes(), std::move(handler)};
  {
    const std::lock_guard lock(mutex_);
    if (ready_) {
      if (before) {
        meter_.admit_always(before->bytes().size());
        enqueue({std::move(*before).take_bytes(), [](const Answer&) {}});
      }
      return enqueue(std::move(waiting));
    }
  }
  meter_.drop_waiting(size);
  waiting.handler({Outcome::kUnavailable, {}, "not connected"});
}

void NodeConnection::reset(std::string reason) {
  asio::post(io_, [weak = weak_from_this(), why = std::move(reason), of = link_serial_.load()] {
    const auto self = weak.lock();
    if (self && self->link_ && self->link_serial_.load() == of) self->lost(why);
  });
}

bool NodeConnection::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

ConnectionStats NodeConnection::stats() const {
  ConnectionStats stats = meter_.read();
  stats.ready = ready();
  return stats;
}

// --- the queue

/// With `mutex_` held. One wake-up for all that come before the loop turns.
void NodeConnection::enqueue(Waiting waiting) {
  waiting_.push_back(std::move(waiting));
  if (waiting_.size() > 1) return;
  asio::post(io_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

void NodeConnection::flush() {
  if (!link_ || !connected_ || link_->writing()) return;
  std::vector<Waiting> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(waiting_);
  }
  if (batch.empty()) return;
  std::size_t size = 0;
  for (const Waiting& one : batch) size += one.bytes.size();
  std::string bytes;
  bytes.reserve(size);
  const auto now = SteadyClock::now();
  for (Waiting& one : batch) {
    bytes += one.bytes;
    sent_.push_back({std::move(one.handler), now, one.bytes.size()});
  }
  meter_.wrote(batch.size(), size);
  link_->write(std::move(bytes));
  if (!overdue_armed_) arm_overdue();
}

void NodeConnection::replied(Reply reply) {
  if (sent_.empty()) return lost("a reply nobody asked for");
  Sent first = std::move(sent_.front());
  sent_.pop_front();
  meter_.replied(first.size, SteadyClock::now() - first.at);
  const bool demoted = !options_.sentinel.sentinels.empty() && reply.is_error("READONLY");
  first.handler({Outcome::kReplied, std::move(reply), {}});
  if (demoted) lost("this master has become a replica");
}

/// One timer for all: it follows the oldest command, and sleeps when there is none.
void NodeConnection::arm_overdue() {
  overdue_armed_ = !sent_.empty();
  if (!overdue_armed_) return;
  wait_overdue(sent_.front().at + options_.command_timeout);
}

void NodeConnection::wait_overdue(SteadyClock::time_point until) {
  overdue_timer_.expires_at(until);
  overdue_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->stopped_) return;
    self->check_overdue();
  });
}

void NodeConnection::check_overdue() {
  const auto now = SteadyClock::now();
  const bool overdue = !sent_.empty() && now >= sent_.front().at + options_.command_timeout;
  if (!overdue) return arm_overdue();
  // A timer that is late itself says that this loop was busy: the replies may lie in the socket, unread.
  if (now > overdue_timer_.expiry() + options_.command_timeout / 4) {
    return wait_overdue(now + options_.command_timeout / 2);
  }
  overdue_armed_ = false;
  meter_.timed_out();
  lost("no reply within " + std::to_string(options_.command_timeout.count()) + " ms");
}

// --- the life of a link

void NodeConnection::attempt() {
  if (stopped_) return;
  connected_ = false;
  const auto serial = ++link_serial_;
  link_ = std::make_shared<Link>(
      io_, tls_, options_.max_reply_bytes,
      Link::Events{[this] { greet(); }, [this](Reply reply) { replied(std::move(reply)); },
                   [this] { flush(); }, [this](std::string reason) { lost(std::move(reason)); }});
  if (options_.sentinel.sentinels.empty()) return connect(serial, options_.endpoint);
  find_master([this, serial](const Endpoint& master) { connect(serial, master); },
              [this, serial](std::string problem) {
                if (serial == link_serial_.load()) lost("sentinel " + std::move(problem));
              });
}

/// Either is called while this lives and is not stopped, and not from inside the call.
void NodeConnection::find_master(const std::function<void(const Endpoint&)>& found,
                                 const std::function<void(std::string)>& failed) {
  const SentinelOptions& sentinel = options_.sentinel;
  Inquiry inquiry;
  inquiry.servers = sentinel.sentinels;
  inquiry.tls = tls_;
  inquiry.user = sentinel.user;
  inquiry.password = sentinel.password;
  inquiry.patience = options_.connect_timeout / 4;
  inquiry.question = Command({"SENTINEL", "get-master-addr-by-name", sentinel.master}).bytes();
  inquiry.accept = [](const Reply& reply) {
    return reply.elements.size() == 2 && reply.elements[1].as_integer().has_value();
  };
  inquiry.answered = [weak = weak_from_this(), found](const Reply& reply, const Endpoint&) {
    const auto self = weak.lock();
    if (!self || self->stopped_) return;
    const auto port = static_cast<std::uint16_t>(*reply.elements[1].as_integer());
    found({{}, reply.elements[0].text, port});
  };
  inquiry.failed = [weak = weak_from_this(), failed](std::string problem) {
    const auto self = weak.lock();
    if (self && !self->stopped_) failed(std::move(problem));
  };
  inquire(io_, std::move(inquiry));
}

void NodeConnection::connect(std::uint64_t serial, const Endpoint& endpoint) {
  if (serial != link_serial_.load() || !link_) return;
  endpoint_ = endpoint;
  wait_then(options_.connect_timeout, [](NodeConnection& self) { self.lost("connect: timed out"); });
  link_->connect(endpoint);
}

/// The connection's own first commands, then the preparation's.
void NodeConnection::greet() {
  connected_ = true;
  const auto must_succeed = [this](const char* what) {
    return [this, what](Answer answer) {
      if (!answer.reply.is_error() || !link_) return;
      lost(std::string(what) + " refused: " + answer.reply.text);
    };
  };
  if (!options_.password.empty()) {
    send_first(options_.user.empty() ? Command({"AUTH", options_.password})
                                     : Command({"AUTH", options_.user, options_.password}),
               must_succeed("AUTH"));
  }
  if (options_.database != 0) {
    send_first(Command({"SELECT", std::to_string(options_.database)}), must_succeed("SELECT"));
  }
  if (!options_.sentinel.sentinels.empty()) check_role();
  if (!prepare_) {
    // A round trip, so that a refused AUTH is known before anyone sends.
    return send_first(Command({"PING"}), [this, serial = link_serial_.load()](Answer answer) {
      prepared(serial, answer.reply.is_error() ? answer.reply.text : answer.detail);
    });
  }
  const auto serial = link_serial_.load();
  prepare_(
      [weak = weak_from_this(), serial](Command command, Handler handler) {
        const auto self = weak.lock();
        if (self && self->link_ && self->link_serial_.load() == serial) {
          return self->send_first(std::move(command), std::move(handler));
        }
        handler({Outcome::kUnavailable, {}, "connection lost"});
      },
      [weak = weak_from_this(), serial](std::string problem) {
        if (const auto self = weak.lock()) self->prepared(serial, std::move(problem));
      });
}

/// A sentinel may still name a master that is none any more.
void NodeConnection::check_role() {
  send_first(Command({"ROLE"}), [this](const Answer& answer) {
    if (answer.outcome != Outcome::kReplied || !link_) return;
    const bool master = !answer.reply.elements.empty() && answer.reply.elements[0].is("master");
    if (!master) lost("the server that the sentinels name is no master");
  });
}

/// While connected. The master of yesterday may live on, cut off from the others.
void NodeConnection::watch_master() {
  watch_timer_.expires_after(options_.sentinel.poll);
  watch_timer_.async_wait(
      [weak = weak_from_this(), serial = link_serial_.load()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->stopped_ || self->link_serial_.load() != serial || !self->link_) return;
        NodeConnection& node = *self;
        node.find_master(
            [&node, serial](const Endpoint& master) {
              if (node.link_serial_.load() != serial || !node.link_) return;
              if (master == node.endpoint_) return node.watch_master();
              node.lost("the sentinels name another master, " + to_string(master));
            },
            // Nobody answers: nobody says that it is another one.
            [&node, serial](const std::string&) {
              if (node.link_serial_.load() == serial && node.link_) node.watch_master();
            });
      });
}

void NodeConnection::send_first(Command command, Handler handler) {
  meter_.admit_always(command.bytes().size());
  const std::lock_guard lock(mutex_);
  enqueue({std::move(command).take_bytes(), std::move(handler)});
}

void NodeConnection::prepared(std::uint64_t serial, std::string problem) {
  if (!link_ || stopped_ || serial != link_serial_.load()) return;
  if (!problem.empty()) return lost(std::move(problem));
  attempt_timer_.cancel();
  back_off_ = options_.least_back_off;
  meter_.connected();
  {
    const std::lock_guard lock(mutex_);
    ready_ = true;
  }
  say(LogLevel::kInfo, "event=redis_ready");
  told_lost_ = false;
  told_reason_.clear();
  if (!options_.sentinel.sentinels.empty()) watch_master();
  for (const StateListener& listener : listeners_) listener(true, {});
}

void NodeConnection::lost(std::string reason) {
  if (!link_ || stopped_) return;
  link_->close();
  link_.reset();
  connected_ = false;
  meter_.lost();
  answer_all(reason);
  // One call per outage and one line per reason, however many attempts it takes.
  if (std::exchange(told_reason_, reason) != reason) {
    say(LogLevel::kWarning, "event=redis_lost reason=\"" + reason + "\"");
  }
  if (!std::exchange(told_lost_, true)) {
    for (const StateListener& listener : listeners_) listener(false, reason);
  }
  wait_then(jittered(), [](NodeConnection& self) { self.attempt(); });
}

std::chrono::milliseconds NodeConnection::jittered() {
  const auto whole = back_off_.count();
  back_off_ = std::min(back_off_ * 2, options_.most_back_off);
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(whole / 2, whole)(random_));
}

void NodeConnection::answer_all(const std::string& reason) {
  std::vector<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    ready_ = false;
    waiting.swap(waiting_);
  }
  const std::deque<Sent> sent = std::exchange(sent_, {});
  for (const Sent& one : sent) {
    meter_.drop_sent(one.size);
    one.handler({Outcome::kInDoubt, {}, reason});
  }
  for (const Waiting& one : waiting) {
    meter_.drop_waiting(one.bytes.size());
    one.handler({Outcome::kUnavailable, {}, reason});
  }
}

template <typename Then>
void NodeConnection::wait_then(std::chrono::milliseconds time, Then then) {
  attempt_timer_.expires_after(time);
  attempt_timer_.async_wait([weak = weak_from_this(), then](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->stopped_) then(*self);
  });
}

void NodeConnection::say(LogLevel level, const std::string& line) const {
  if (log_) log_(level, line);
}

}  // namespace ringtrace::redis
