#include "redis/call_log.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <variant>

#include "proto/wire_fields.h"
#include "redis/call_event_text.h"
#include "redis/call_log_page.h"
#include "redis/call_log_queue.h"
#include "redis/event_record.h"
#include "redis/functions.h"
#include "redis/keys.h"

namespace ringtrace::redis {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxIdBytes = 128;

using Packed = CallLogItem::Packed;
using Resumed = CallLogItem::Resumed;

}  // namespace

bool is_identified(std::string_view event) {
  const auto fits = [](std::string_view id) { return !id.empty() && id.size() <= kMaxIdBytes; };
  const std::string_view call = bytes_of_field(event, v1::CallEvent::kCallFieldNumber);
  return fits(bytes_of_field(event, v1::CallEvent::kEventIdFieldNumber)) &&
         fits(bytes_of_field(call, v1::Call::kCallIdFieldNumber));
}

class RedisCallLog::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Connection& connection, CallLogOptions options, Log log)
      : connection_(connection),
        options_(std::move(options)),
        log_(std::move(log)),
        queue_(options_.max_queued, options_.max_queued_bytes, [this] { post_pump(); }),
        recorder_(options_.caller_key),
        retry_timer_(connection.io()),
        poll_timer_(connection.io()) {}

  void start() {
    connection_.on_state([weak = weak_from_this()](bool ready, const std::string&) {
      const auto self = weak.lock();
      if (!self) return;
      if (!ready) return static_cast<void>(self->poll_timer_.cancel());
      self->poll();
      self->pump();
    });
  }

  void stop() {
    stopped_ = true;
    retry_timer_.cancel();
    poll_timer_.cancel();
  }

  void watch(Watcher watcher) { watchers_.push_back(std::move(watcher)); }

  bool push(CallLogItem item) {
    const bool taken = queue_.push(std::move(item));
    if (!taken) ++refused_;
    return taken;
  }

  CallLogQueue& queue() { return queue_; }

  bool append(std::string_view event) {
    if (event.size() > options_.max_event_bytes || !is_identified(event)) {
      ++refused_;
      return false;
    }
    return push({Packed{std::string(event)}, event.size()});
  }

  bool close_open_call(CallClosing closing) {
    if (closing.call_id.empty() || closing.call_id.size() > kMaxIdBytes) {
      ++refused_;
      return false;
    }
    const std::size_t bytes = sizeof(CallClosing) + closing.call_id.size() + closing.sip_call_id.size();
    return push({std::move(closing), bytes});
  }

  bool resume(const v1::CallEvent& saw) {
    const std::string bytes = saw.SerializeAsString();
    if (bytes.size() > options_.max_event_bytes || !is_identified(bytes)) {
      ++refused_;
      return false;
    }
    return push({Resumed{saw}, bytes.size()});
  }

  void read_after(const std::string& cursor, std::size_t max, ReadDone done) {
    const char* const from = cursor.empty() ? "-" : "(";
    Command command({"FCALL_RO", "ringtrace_v1_read_calls", "2", kEventsKey, kLogKey, from + cursor,
                     std::to_string(max)});
    connection_.execute(std::move(command), [self = shared_from_this(), cursor, max,
                                             done = std::move(done)](const Answer& answer) {
      heed_missing_functions(self->connection_, answer);
      CallLogPage page = page_of(answer, cursor, self->unreadable_);
      // A page of nothing that can be read must not look like the end of the log.
      const bool is_end =
          page.status != CallLogPage::Status::kDone || !page.events.empty() || page.next == cursor;
      if (is_end) return done(std::move(page));
      self->read_after(page.next, max, done);
    });
  }

  Connection& connection() const { return connection_; }

  CallLogStats stats() const {
    return {queue_.items(), queue_.bytes(), written_, redacted_,          refused_,          late_,
            retries_,       resumed_,       closed_,  closed_unrecorded_, unknown_closings_, unreadable_};
  }

 private:
  // --- from the queue to Redis; one batch is under way at a time

  void post_pump() {
    asio::post(connection_.io(), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
  }

  void pump() {
    if (stopped_ || busy_ || !connection_.ready()) return;
    if (batch_.empty()) batch_ = queue_.take_batch();
    if (batch_.empty()) return;
    busy_ = true;
    if (const auto* closing = std::get_if<CallClosing>(&batch_.front().what)) return look_up(*closing);
    if (const auto* resumed = std::get_if<Resumed>(&batch_.front().what)) return look_up(resumed->saw);
    send_batch();
  }

  /// What is no event goes nowhere: it would stop those behind it for ever.
  void make_records() {
    std::erase_if(batch_, [this](CallLogItem& item) {
      const auto* packed = std::get_if<Packed>(&item.what);
      if (packed == nullptr) return false;  // made before it was sent the last time
      auto record = recorder_.record(packed->event);
      if (!record) {
        ++refused_;
        queue_.forget(item);
        return true;
      }
      item.what = std::move(*record);
      return false;
    });
  }

  void send_batch() {
    make_records();
    if (batch_.empty()) {
      busy_ = false;
      return pump();
    }
    const std::string count = std::to_string(3 + batch_.size());
    std::vector<std::string> keys = {std::string(kEventsKey), std::string(kOpenCallsKey),
                                     std::string(kLogKey)};
    std::vector<std::string> values = {
        std::to_string(options_.retention.count()), std::to_string(options_.max_length),
        std::to_string(options_.caller_retention.count()),
        std::to_string(options_.attributes_retention.count()), options_.caller_key.id()};
    for (const CallLogItem& item : batch_) keys.push_back(seen_key(std::get<EventRecord>(item.what).call_id));
    std::vector<std::string_view> arguments = {"FCALL", "ringtrace_v2_record", count};
    arguments.insert(arguments.end(), keys.begin(), keys.end());
    arguments.insert(arguments.end(), values.begin(), values.end());
    for (const CallLogItem& item : batch_) {
      const auto& of_event = std::get<EventRecord>(item.what).values;
      arguments.insert(arguments.end(), of_event.begin(), of_event.end());
    }
    execute(Command(arguments), [](Impl& self, const Reply& reply) { self.recorded(reply); });
  }

  void recorded(const Reply& reply) {
    std::string last;
    if (!reply.elements.empty()) redacted_ += static_cast<std::uint64_t>(reply.elements[0].integer);
    for (std::size_t i = 1; i < reply.elements.size(); ++i) {
      const std::string& cursor = reply.elements[i].text;
      if (cursor.empty()) {
        ++late_;
      } else {
        ++written_;
        last = cursor;
      }
    }
    finish_batch();
    notify(last);
    pump();
  }

  /// A closing becomes the event it stands for, or nothing.
  void look_up(const CallClosing& closing) {
    execute(Command({"HGET", kOpenCallsKey, closing.call_id}), [closing](Impl& self, const Reply& reply) {
      const auto open = reply.is_nil() ? std::nullopt : event_from_json(reply.text);
      const bool is_answer_told = open && open->call().has_answer_time();
      if (!is_answer_told && start_of_call(closing.call_id) && self.postpone()) return self.pump();
      auto event = open             ? closing_event(*open, closing)
                   : reply.is_nil() ? closing_event(closing)
                                    : std::nullopt;
      if (event) {
        ++(open ? self.closed_ : self.closed_unrecorded_);
        self.batch_.front().what = Packed{event->SerializeAsString()};
        self.busy_ = false;
      } else {
        ++self.unknown_closings_;
        self.say(LogLevel::kWarning, "event=call_closing_unknown call=" + closing.call_id);
        self.finish_batch();
      }
      self.pump();
    });
  }

  /// The gateway that carried the call may have its events still: the closing comes again behind what is
  /// queued then, each time after a longer wait. False when it has waited long enough.
  bool postpone() {
    CallLogItem& closing = batch_.front();
    closing.waited = std::max(options_.retry, 2 * closing.waited);
    if (closing.waited > options_.closing_patience) return false;
    const auto timer = std::make_shared<asio::steady_timer>(connection_.io(), closing.waited);
    timer->async_wait([weak = weak_from_this(), timer,
                       item = std::move(closing)](const boost::system::error_code& error) mutable {
      const auto self = weak.lock();
      if (error || !self || self->stopped_) return;
      self->queue_.put_back(std::move(item));
      self->pump();
    });
    batch_.clear();
    busy_ = false;
    return true;
  }

  /// What was seen in an answer becomes an event, unless as much was told before.
  void look_up(const v1::CallEvent& saw) {
    execute(Command({"HGET", kOpenCallsKey, saw.call().call_id()}), [](Impl& self, const Reply& reply) {
      const v1::CallEvent& seen = std::get<Resumed>(self.batch_.front().what).saw;
      const auto open = reply.is_nil() ? std::nullopt : event_from_json(reply.text);
      auto event = open ? resumed_event(*open, seen) : std::optional(seen);
      if (event) {
        ++self.resumed_;
        self.batch_.front().what = Packed{event->SerializeAsString()};
        self.busy_ = false;
      } else {
        self.finish_batch();
      }
      self.pump();
    });
  }

  void finish_batch() {
    for (const CallLogItem& item : batch_) queue_.forget(item);
    batch_.clear();
    busy_ = false;
    told_refusal_ = false;
  }

  /// Anything but an answer leaves the batch where it is, to be sent again.
  template <typename Take>
  void execute(Command command, Take take) {
    connection_.execute(std::move(command), [weak = weak_from_this(), take](const Answer& answer) {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      if (answer.outcome == Outcome::kReplied && !answer.reply.is_error()) return take(*self, answer.reply);
      self->try_later(answer);
    });
  }

  void try_later(const Answer& answer) {
    busy_ = false;
    ++retries_;
    if (answer.outcome == Outcome::kReplied) {
      if (!std::exchange(told_refusal_, true)) {
        say(LogLevel::kError, "event=call_log_refused reason=\"" + answer.reply.text + "\"");
      }
      heed_missing_functions(connection_, answer);
    }
    // A connection that is lost tells when it is back; a timer serves the other cases.
    retry_timer_.expires_after(options_.retry);
    retry_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->pump();
    });
  }

  // --- from Redis to the watchers

  void poll() {
    if (watchers_.empty() || stopped_) return;
    connection_.execute(Command({"HGET", kLogKey, "last"}), [weak = weak_from_this()](const Answer& answer) {
      const auto self = weak.lock();
      if (self && !self->stopped_) self->notify(answer.reply.text);
    });
    poll_timer_.expires_after(options_.poll);
    poll_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self && self->connection_.ready()) self->poll();
    });
  }

  void notify(const std::string& last) {
    if (last.empty() || last == last_told_) return;
    last_told_ = last;
    for (const Watcher& watcher : watchers_) watcher();
  }

  void say(LogLevel level, const std::string& line) {
    if (log_) log_(level, line);
  }

  // Constant after the connection's start.
  Connection& connection_;
  const CallLogOptions options_;
  const Log log_;
  std::vector<Watcher> watchers_;

  // Own synchronization.
  CallLogQueue queue_;
  std::atomic<std::uint64_t> written_{0}, redacted_{0}, refused_{0}, late_{0}, retries_{0}, resumed_{0},
      closed_{0}, closed_unrecorded_{0}, unknown_closings_{0}, unreadable_{0};

  // The io thread only.
  std::vector<CallLogItem> batch_;
  EventRecorder recorder_;
  bool busy_ = false;
  bool stopped_ = false;
  bool told_refusal_ = false;
  std::string last_told_;
  asio::steady_timer retry_timer_;
  asio::steady_timer poll_timer_;
};

RedisCallLog::RedisCallLog(Connection& connection, CallLogOptions options, Log log)
    : impl_(std::make_shared<Impl>(connection, std::move(options), std::move(log))) {
  impl_->start();
}

RedisCallLog::~RedisCallLog() { impl_->stop(); }

RedisCallLog::Together::Together(RedisCallLog& log) : log_(log) { log_.impl_->queue().gather(); }
RedisCallLog::Together::~Together() { log_.impl_->queue().send_gathered(); }

bool RedisCallLog::append(const v1::CallEvent& event) { return impl_->append(event.SerializeAsString()); }
bool RedisCallLog::append(std::string_view event) { return impl_->append(event); }
bool RedisCallLog::close_open_call(CallClosing closing) { return impl_->close_open_call(std::move(closing)); }
bool RedisCallLog::resume(const v1::CallEvent& saw) { return impl_->resume(saw); }
void RedisCallLog::watch(Watcher watcher) { impl_->watch(std::move(watcher)); }
CallLogStats RedisCallLog::stats() const { return impl_->stats(); }

void RedisCallLog::read_after(const std::string& cursor, std::size_t max, ReadDone done) const {
  const auto after = Cursor::parse(cursor);
  if (!cursor.empty() && !after)
    return done({CallLogPage::Status::kBadCursor, {}, {}, "no cursor of this log"});
  impl_->read_after(cursor, std::clamp<std::size_t>(max, 1, kMaxPage), std::move(done));
}

void RedisCallLog::latest_cursor(CursorDone done) const {
  impl_->connection().execute(Command({"HGET", kLogKey, "last"}), [done = std::move(done)](Answer answer) {
    if (answer.outcome != Outcome::kReplied || answer.reply.is_error()) return done(std::nullopt);
    done(answer.reply.is_nil() ? "0-0" : std::move(answer.reply.text));
  });
}

void RedisCallLog::count_open_calls(std::function<void(std::optional<std::uint64_t>)> done) const {
  impl_->connection().execute(
      Command({"HLEN", kOpenCallsKey}), [done = std::move(done)](const Answer& answer) {
        if (answer.outcome != Outcome::kReplied || answer.reply.kind != Reply::Kind::kInteger) {
          return done(std::nullopt);
        }
        done(static_cast<std::uint64_t>(answer.reply.integer));
      });
}

}  // namespace ringtrace::redis
