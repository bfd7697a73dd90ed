#include "redis/subscriptions.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "redis/call_event_text.h"
#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

// The wait before what Redis refused is sent again.
constexpr std::chrono::milliseconds kRetry{250};

/// The later of two places; an empty text is before all.
std::string later_of(std::string a, std::string b) {
  const auto at = Cursor::parse(a);
  const auto other = Cursor::parse(b);
  return !at || (other && *at < *other) ? b : a;
}

}  // namespace

class RedisSubscriptions::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(Connection& connection) : connection_(connection), retry_timer_(connection.io()) {}

  void start() {
    connection_.on_state([weak = weak_from_this()](bool ready, const std::string&) {
      const auto self = weak.lock();
      if (ready && self) self->send_all();
    });
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    retry_timer_.cancel();
  }

  void open(const std::string& name, OpenDone done) {
    connection_.execute(Command({"FCALL", "ringtrace_v1_open_subscription", "1", kSubscriptionsKey, name,
                                 std::to_string(kMost)}),
                        [self = shared_from_this(), name, done = std::move(done)](const Answer& answer) {
                          const std::vector<Reply>& parts = answer.reply.elements;
                          if (answer.outcome != Outcome::kReplied || parts.empty()) return done({});
                          if (parts.size() < 2) return done({SubscriptionPlace::Status::kTooMany, {}});
                          const std::string stored = parts[1].is("-") ? "" : parts[1].text;
                          done({SubscriptionPlace::Status::kKnown, later_of(stored, self->newest(name))});
                        });
  }

  void acknowledge(const std::string& name, const std::string& cursor) {
    if (!Cursor::parse(cursor)) return;
    {
      const std::lock_guard lock(mutex_);
      // Bounded by the streams that are open, whose names they are, while Redis takes none.
      Pending& pending = pending_[name];
      pending.cursor = later_of(pending.cursor, cursor);
    }
    send(name);
  }

  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return pending_.size();
  }

 private:
  struct Pending {
    std::string cursor;
    bool on_its_way = false;
  };

  std::string newest(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto pending = pending_.find(name);
    return pending == pending_.end() ? std::string() : pending->second.cursor;
  }

  void send(const std::string& name) {
    std::string cursor;
    {
      const std::lock_guard lock(mutex_);
      const auto pending = pending_.find(name);
      if (stopped_ || pending == pending_.end() || pending->second.on_its_way) return;
      pending->second.on_its_way = true;
      cursor = pending->second.cursor;
    }
    connection_.execute(
        Command({"FCALL", "ringtrace_v1_acknowledge", "2", kSubscriptionsKey, kLogKey, name, cursor}),
        [weak = weak_from_this(), name, cursor](const Answer& answer) {
          const bool taken = answer.outcome == Outcome::kReplied && !answer.reply.is_error();
          if (const auto self = weak.lock()) self->answered(name, cursor, taken);
        });
  }

  void answered(const std::string& name, const std::string& cursor, bool taken) {
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      const auto pending = pending_.find(name);
      pending->second.on_its_way = false;
      more = pending->second.cursor != cursor;
      if (taken && !more) pending_.erase(pending);
    }
    if (taken && more) return send(name);
    if (!taken) try_later();
  }

  /// On the connection's own thread, where the timer lives. A connection that is lost tells when it is back.
  void try_later() {
    boost::asio::post(connection_.io(), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || !self->connection_.ready()) return;
      self->retry_timer_.expires_after(kRetry);
      self->retry_timer_.async_wait([weak](const boost::system::error_code& cancelled) {
        const auto retrying = weak.lock();
        if (!cancelled && retrying) retrying->send_all();
      });
    });
  }

  void send_all() {
    std::vector<std::string> names;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [name, pending] : pending_) names.push_back(name);
    }
    for (const std::string& name : names) send(name);
  }

  Connection& connection_;
  mutable std::mutex mutex_;  // held for a few instructions, never while calling out
  std::unordered_map<std::string, Pending> pending_;
  bool stopped_ = false;
  boost::asio::steady_timer retry_timer_;  // the io thread only
};

RedisSubscriptions::RedisSubscriptions(Connection& connection) : impl_(std::make_shared<Impl>(connection)) {
  impl_->start();
}

RedisSubscriptions::~RedisSubscriptions() { impl_->stop(); }

void RedisSubscriptions::open(const std::string& name, OpenDone done) { impl_->open(name, std::move(done)); }

void RedisSubscriptions::acknowledge(const std::string& name, const std::string& cursor) {
  impl_->acknowledge(name, cursor);
}

std::size_t RedisSubscriptions::waiting() const { return impl_->waiting(); }

}  // namespace ringtrace::redis
