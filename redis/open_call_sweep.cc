#include "redis/open_call_sweep.h"

#include <atomic>
#include <string>
#include <utility>

#include "proto/from_pool.h"
#include "redis/call_closing.h"
#include "redis/call_event_text.h"
#include "redis/keys.h"

namespace ringtrace::redis {

class OpenCallSweep::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Connection& connection, RedisCallLog& calls, Options options, Now now)
      : connection_(connection),
        calls_(calls),
        options_(options),
        now_(std::move(now)),
        timer_(connection.io()) {}

  void start() {
    connection_.on_state([weak = weak_from_this()](bool ready, const std::string&) {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      self->timer_.cancel();
      if (ready) self->read_page("0");
    });
  }

  void stop() {
    stopped_ = true;
    timer_.cancel();
  }

  std::uint64_t closed() const { return closed_; }

 private:
  void read_page(const std::string& cursor) {
    connection_.execute(Command({"HSCAN", kOpenCallsKey, cursor, "COUNT", "100"}),
                        [weak = weak_from_this()](const Answer& answer) {
                          const auto self = weak.lock();
                          if (self && !self->stopped_) self->take_page(answer);
                        });
  }

  void take_page(const Answer& answer) {
    const Reply& reply = answer.reply;
    if (answer.outcome != Outcome::kReplied || reply.elements.size() != 2) return wait();
    const std::vector<Reply>& fields = reply.elements[1].elements;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) look_at(fields[i].text, fields[i + 1].text);
    if (reply.elements[0].text == "0") return wait();
    read_page(reply.elements[0].text);
  }

  void look_at(const std::string& call_id, const std::string& json) {
    const pool::Time now = now_();
    const std::optional<pool::Time> start = start_of_call(call_id);
    if (start && now - *start <= options_.max_age) return;
    const std::optional<v1::CallEvent> open = event_from_json(json);
    if (!open) return;
    const v1::Call& call = open->call();
    const pool::Time counted = call.has_answer_time() ? from_timestamp(call.answer_time())
                                                      : from_timestamp(call.start_time()) + options_.setup;
    if (now - counted <= options_.max_age) return;
    auto event = overage_event(*open, now);
    if (event && calls_.append(*event)) ++closed_;
  }

  void wait() {
    timer_.expires_after(options_.every);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self && !self->stopped_ && self->connection_.ready()) self->read_page("0");
    });
  }

  Connection& connection_;
  RedisCallLog& calls_;
  const Options options_;
  const Now now_;
  boost::asio::steady_timer timer_;
  bool stopped_ = false;
  std::atomic<std::uint64_t> closed_{0};
};

OpenCallSweep::OpenCallSweep(Connection& connection, RedisCallLog& calls, Options options, Now now)
    : impl_(std::make_shared<Impl>(connection, calls, options, std::move(now))) {
  impl_->start();
}

OpenCallSweep::~OpenCallSweep() { impl_->stop(); }

std::uint64_t OpenCallSweep::closed() const { return impl_->closed(); }

}  // namespace ringtrace::redis
