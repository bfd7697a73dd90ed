#include "tests/store/simulated_connection.h"

#include <algorithm>
#include <utility>

namespace ringtrace::store_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kMostBackOff{1'000};
// What a dead connection still holds is read so much later at most.
constexpr std::int64_t kMostLateMs = 2'500;

}  // namespace

milliseconds SimulatedConnection::delay() {
  return milliseconds(dice_.one_in(20) ? dice_.between(5, 150) : dice_.between(0, 4));
}

void SimulatedConnection::attempt_after(milliseconds time) {
  process_->after(time, [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->stopped_) self->attempt();
  });
}

void SimulatedConnection::attempt() {
  const auto link = cut_off_until_ > time_.now() ? nullptr : redis_.connect();
  if (!link) return failed("connect: refused");
  // What readies a connection is two round trips.
  process_->after(delay() + delay(), [weak = weak_from_this(), link] {
    if (const auto self = weak.lock(); self && !self->stopped_) self->prepared(link);
  });
}

void SimulatedConnection::failed(const std::string& reason) {
  if (!std::exchange(told_lost_, true)) {
    for (const auto& listener : listeners_) listener(false, reason);
  }
  attempt_after(milliseconds(dice_.between(back_off_.count() / 2, back_off_.count())));
  back_off_ = std::min(back_off_ * 2, kMostBackOff);
}

void SimulatedConnection::prepared(const std::shared_ptr<Link>& link) {
  // Redis was killed or began to stall meanwhile.
  if (!redis_.execute(*link, {"CLIENT", "ID"}) || redis_.stalled_until() > time_.now()) {
    link->open = false;
    return failed("connection lost");
  }
  if (previous_ && previous_->run == link->run) redis_.end(*previous_);
  previous_ = link;
  link_ = link;
  ready_ = true;
  told_lost_ = false;
  back_off_ = milliseconds(50);
  for (const auto& listener : listeners_) listener(true, {});
}

void SimulatedConnection::execute(redis::Command command, redis::Handler handler) {
  if (!process_->passes()) return;
  if (!ready_) return handler({redis::Outcome::kUnavailable, {}, "not connected"});
  const auto sent = std::make_shared<Sent>(Sent{++serial_, std::move(handler)});
  sent_.push_back(sent);
  link_->last_arrival = std::max(link_->last_arrival, time_.now() + delay());
  ++link_->unread;
  time_.at(link_->last_arrival,
           [self = shared_from_this(), link = link_, sent, words = words_of(command.bytes())] {
             self->arrive(link, sent, words, false);
           });
  process_->after(kCommandTimeout, [weak = weak_from_this(), link = link_, serial = serial_] {
    if (const auto self = weak.lock()) self->check_overdue(link, serial);
  });
}

/// At the store's end.
void SimulatedConnection::arrive(const std::shared_ptr<Link>& link, const std::shared_ptr<Sent>& sent,
                                 std::vector<std::string> words, bool late) {
  const auto again_at = [&](pool::Time when, bool is_late) {
    time_.at(when, [self = shared_from_this(), link, sent, words = std::move(words), is_late] {
      self->arrive(link, sent, words, is_late);
    });
  };
  if (redis_.stalled_until() > time_.now()) return again_at(redis_.stalled_until(), late);
  if (!link->open && !late && !sent->lost) {
    link->last_arrival =
        std::max(link->last_arrival, time_.now() + milliseconds(dice_.between(0, kMostLateMs)));
    return again_at(link->last_arrival, true);
  }
  --link->unread;
  if (sent->lost) return;
  auto reply = redis_.execute(*link, words);
  if (!reply) return;
  sent->done = true;
  if (!link->open) return faults_.count(Fault::kLateRequest);
  link->last_reply = std::max(link->last_reply, time_.now() + delay());
  process_->after(link->last_reply - time_.now(),
                  [weak = weak_from_this(), link, answer = std::move(*reply)] {
                    if (const auto self = weak.lock()) self->replied(link, answer);
                  });
}

void SimulatedConnection::replied(const std::shared_ptr<Link>& link, redis::Reply reply) {
  if (link != link_ || !process_->passes()) return;
  const auto first = std::move(sent_.front());
  sent_.pop_front();
  first->handler({redis::Outcome::kReplied, std::move(reply), {}});
}

void SimulatedConnection::check_overdue(const std::shared_ptr<Link>& link, std::uint64_t serial) {
  if (link == link_ && !sent_.empty() && sent_.front()->serial == serial) lose("no reply in time");
}

void SimulatedConnection::reset(std::string reason) {
  process_->after(milliseconds(0), [weak = weak_from_this(), why = std::move(reason)] {
    if (const auto self = weak.lock()) self->lose(why);
  });
}

void SimulatedConnection::lose(const std::string& reason) {
  if (!link_) return;
  // A prefix of what was not read yet is read later, as the system has it already.
  const auto sent = std::exchange(sent_, {});
  std::size_t kept = static_cast<std::size_t>(dice_.below(sent.size() + 1));
  for (const auto& one : sent) {
    if (one->done) {
      faults_.count(Fault::kReplyLost);
    } else if (kept == 0) {
      one->lost = true;
      faults_.count(Fault::kRequestLost);
    } else {
      --kept;
    }
  }
  link_->open = false;
  link_ = nullptr;
  ready_ = false;
  for (const auto& one : sent) one->handler({redis::Outcome::kInDoubt, {}, reason});
  if (!stopped_) failed(reason);
}

void SimulatedConnection::stop() {
  stopped_ = true;
  lose("connection closed");
}

void SimulatedConnection::cut_off(pool::Duration time) {
  faults_.count(Fault::kCutOff);
  cut_off_until_ = time_.now() + time;
  process_->run([this] { lose("no route"); });
}

}  // namespace ringtrace::store_test
