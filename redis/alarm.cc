#include "redis/alarm.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <utility>

namespace ringtrace::redis {
namespace {

class SteadyAlarm final : public Alarm {
 public:
  explicit SteadyAlarm(boost::asio::io_context& io) : timer_(io) {}

  void set(std::chrono::milliseconds after, std::function<void()> then) override {
    timer_.expires_after(after);
    // A wait that was over before it was cancelled comes nevertheless: it is known by its turn.
    timer_.async_wait([turns = std::weak_ptr(turns_), turn = ++*turns_,
                       then = std::move(then)](const boost::system::error_code& cancelled) {
      const auto current = turns.lock();
      if (!cancelled && current && *current == turn) then();
    });
  }

  void cancel() override {
    ++*turns_;
    timer_.cancel();
  }

 private:
  boost::asio::steady_timer timer_;
  const std::shared_ptr<std::uint64_t> turns_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace

std::unique_ptr<Alarm> make_alarm(boost::asio::io_context& io) { return std::make_unique<SteadyAlarm>(io); }

}  // namespace ringtrace::redis
