#include "redis/connection.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "redis/connection_meter.h"
#include "redis/link.h"

namespace ringtrace::redis {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

class Connection::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log)
      : io_(io),
        options_(std::move(options)),
        prepare_(std::move(prepare)),
        log_(std::move(log)),
        overdue_timer_(io),
        attempt_timer_(io),
        back_off_(options_.least_back_off),
        random_(std::random_device{}()) {}

  void add_listener(StateListener listener) { listeners_.push_back(std::move(listener)); }

  void start() {
    asio::post(io_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->attempt();
    });
  }

  /// Ends it for good; what is unanswered is answered.
  void stop() {
    stopped_ = true;
    overdue_timer_.cancel();
    attempt_timer_.cancel();
    if (link_) link_->close();
    link_.reset();
    answer_all("connection closed");
  }

  void execute(Command command, Handler handler) {
    const std::size_t size = command.bytes().size();
    if (!meter_.admit(size, options_.max_commands, options_.max_bytes)) {
      return handler({Outcome::kUnavailable, {}, "too many commands are waiting"});
    }
    Waiting waiting{std::move(command).take_bytes(), std::move(handler)};
    {
      const std::lock_guard lock(mutex_);
      if (ready_) return enqueue(std::move(waiting));
    }
    meter_.drop_waiting(size);
    waiting.handler({Outcome::kUnavailable, {}, "not connected"});
  }

  void reset(std::string reason) {
    asio::post(io_, [weak = weak_from_this(), why = std::move(reason), of = link_serial_.load()] {
      const auto self = weak.lock();
      if (self && self->link_ && self->link_serial_.load() == of) self->lost(why);
    });
  }

  bool ready() const {
    const std::lock_guard lock(mutex_);
    return ready_;
  }

  ConnectionStats stats() const {
    ConnectionStats stats = meter_.read();
    stats.ready = ready();
    return stats;
  }

  asio::io_context& io() const { return io_; }

 private:
  struct Waiting {
    std::string bytes;
    Handler handler;
  };
  struct Sent {
    Handler handler;
    SteadyClock::time_point at;
    std::size_t size;
  };

  // --- the queue

  /// With `mutex_` held. One wake-up for all that come before the loop turns.
  void enqueue(Waiting waiting) {
    waiting_.push_back(std::move(waiting));
    if (waiting_.size() > 1) return;
    asio::post(io_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->flush();
    });
  }

  void flush() {
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

  void replied(Reply reply) {
    if (sent_.empty()) return lost("a reply nobody asked for");
    Sent first = std::move(sent_.front());
    sent_.pop_front();
    meter_.replied(first.size, SteadyClock::now() - first.at);
    first.handler({Outcome::kReplied, std::move(reply), {}});
  }

  /// One timer for all: it follows the oldest command, and sleeps when there is none.
  void arm_overdue() {
    overdue_armed_ = !sent_.empty();
    if (!overdue_armed_) return;
    wait_overdue(sent_.front().at + options_.command_timeout);
  }

  void wait_overdue(SteadyClock::time_point until) {
    overdue_timer_.expires_at(until);
    overdue_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopped_) return;
      self->check_overdue();
    });
  }

  void check_overdue() {
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

  void attempt() {
    if (stopped_) return;
    connected_ = false;
    ++link_serial_;
    link_ = std::make_shared<Link>(
        io_, options_.max_reply_bytes,
        Link::Events{[this] { greet(); }, [this](Reply reply) { replied(std::move(reply)); },
                     [this] { flush(); }, [this](std::string reason) { lost(std::move(reason)); }});
    wait_then(options_.connect_timeout, [](Impl& self) { self.lost("connect: timed out"); });
    link_->connect(options_.endpoint);
  }

  /// The connection's own first commands, then the preparation's.
  void greet() {
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

  void send_first(Command command, Handler handler) {
    meter_.admit_always(command.bytes().size());
    const std::lock_guard lock(mutex_);
    enqueue({std::move(command).take_bytes(), std::move(handler)});
  }

  void prepared(std::uint64_t serial, std::string problem) {
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
    for (const StateListener& listener : listeners_) listener(true, {});
  }

  void lost(std::string reason) {
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
    wait_then(jittered(), [](Impl& self) { self.attempt(); });
  }

  std::chrono::milliseconds jittered() {
    const auto whole = back_off_.count();
    back_off_ = std::min(back_off_ * 2, options_.most_back_off);
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(whole / 2, whole)(random_));
  }

  void answer_all(const std::string& reason) {
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
  void wait_then(std::chrono::milliseconds time, Then then) {
    attempt_timer_.expires_after(time);
    attempt_timer_.async_wait([weak = weak_from_this(), then](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self && !self->stopped_) then(*self);
    });
  }

  void say(LogLevel level, const std::string& line) {
    if (log_) log_(level, line);
  }

  // Constant after construction (listeners: after start).
  asio::io_context& io_;
  const ConnectionOptions options_;
  const Prepare prepare_;
  const Log log_;
  std::vector<StateListener> listeners_;

  // Own synchronization.
  ConnectionMeter meter_;
  mutable std::mutex mutex_;
  bool ready_ = false;            // by mutex_
  std::vector<Waiting> waiting_;  // by mutex_
  std::atomic<std::uint64_t> link_serial_{0};

  // The io thread only.
  std::shared_ptr<Link> link_;
  bool connected_ = false;
  bool stopped_ = false;
  bool told_lost_ = false;
  std::string told_reason_;
  bool overdue_armed_ = false;
  std::deque<Sent> sent_;
  asio::steady_timer overdue_timer_;
  asio::steady_timer attempt_timer_;
  std::chrono::milliseconds back_off_;
  std::minstd_rand random_;
};

Connection::Connection(asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log)
    : impl_(std::make_shared<Impl>(io, std::move(options), std::move(prepare), std::move(log))) {}

Connection::~Connection() { impl_->stop(); }

void Connection::on_state(StateListener listener) { impl_->add_listener(std::move(listener)); }
void Connection::start() { impl_->start(); }
void Connection::execute(Command command, Handler handler) {
  impl_->execute(std::move(command), std::move(handler));
}
void Connection::reset(std::string reason) { impl_->reset(std::move(reason)); }
bool Connection::ready() const { return impl_->ready(); }
ConnectionStats Connection::stats() const { return impl_->stats(); }
asio::io_context& Connection::io() const { return impl_->io(); }

}  // namespace ringtrace::redis
