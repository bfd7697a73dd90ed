#include "redis/inquiry.h"

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

namespace ringtrace::redis {
namespace {

constexpr std::size_t kMaxReplyBytes = std::size_t{4} << 20;

class Asking : public std::enable_shared_from_this<Asking> {
 public:
  Asking(boost::asio::io_context& io, Inquiry inquiry) : io_(io), inquiry_(std::move(inquiry)), timer_(io) {}

  void next() {
    if (at_ == inquiry_.servers.size()) return end();
    const Endpoint& server = inquiry_.servers[at_];
    waiting_for_auth_ = !inquiry_.password.empty();
    const auto held = [weak = weak_from_this()](auto then) {
      return [weak, then](const auto&... given) {
        if (const auto self = weak.lock()) then(*self, given...);
      };
    };
    link_ = std::make_shared<Link>(
        io_, inquiry_.tls, kMaxReplyBytes,
        Link::Events{held([](Asking& self) { self.connected(); }),
                     held([](Asking& self, const Reply& reply) { self.replied(reply); }), [] {},
                     held([](Asking& self, const std::string& reason) { self.give_up(reason); })});
    // The timer is what keeps this alive.
    timer_.expires_after(inquiry_.patience);
    timer_.async_wait([self = shared_from_this(), at = at_](const boost::system::error_code& error) {
      if (!error && self->at_ == at && self->link_) self->give_up("no answer in time");
    });
    link_->connect(server);
  }

 private:
  void connected() {
    std::string bytes;
    if (waiting_for_auth_) {
      bytes = (inquiry_.user.empty() ? Command({"AUTH", inquiry_.password})
                                     : Command({"AUTH", inquiry_.user, inquiry_.password}))
                  .bytes();
    }
    link_->write(bytes + inquiry_.question);
  }

  void replied(const Reply& reply) {
    if (reply.is_error()) return give_up(reply.text);
    if (std::exchange(waiting_for_auth_, false)) return;
    if (!inquiry_.accept(reply)) return give_up("an answer that does not help");
    close();
    inquiry_.answered(reply, inquiry_.servers[at_]);
  }

  void give_up(const std::string& reason) {
    if (!link_) return;
    problem_ = to_string(inquiry_.servers[at_]) + ": " + reason;
    close();
    ++at_;
    next();
  }

  void end() { inquiry_.failed(problem_.empty() ? "nobody to ask" : problem_); }

  void close() {
    timer_.cancel();
    link_->close();
    link_.reset();
  }

  boost::asio::io_context& io_;
  const Inquiry inquiry_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Link> link_;
  std::size_t at_ = 0;
  bool waiting_for_auth_ = false;
  std::string problem_;
};

}  // namespace

void inquire(boost::asio::io_context& io, Inquiry inquiry) {
  std::make_shared<Asking>(io, std::move(inquiry))->next();
}

}  // namespace ringtrace::redis
