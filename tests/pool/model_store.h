#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pool/leasing.h"

namespace ringtrace::pool::testing {

/// A lease store in memory that answers when told to. Each write waits in line until `step` carries it out
/// and delivers the answer, so that a test decides what overtakes what and what is lost.
class ModelStore : public LeaseStore {
 public:
  /// What happens to writes.
  enum class Mode : std::uint8_t {
    kUp,
    kAway,         ///< not written, kUnavailable
    kFull,         ///< not written, kRefused
    kAnswerLost,   ///< written, kInDoubt
    kRequestLost,  ///< not written, kInDoubt
    kTwice,        ///< delivered twice, as a resend after a lost answer would
  };

  struct Held {
    std::string visit;
    Time start;
    Time expire;
    Duration hold;
  };

  Mode mode = Mode::kUp;
  bool keeps_visits_in_hold = false;  ///< a visit is sent to its number in the hold, too
  std::map<Number, Held> books;
  std::vector<LeaseEnd> ends;        ///< release and expire, in the order they were carried out
  std::vector<LeaseRecord> written;  ///< lease, in the order they were carried out
  std::vector<LeaseRecord> noted;    ///< note_unwritten

  void lease(LeaseRecord record, Time now, Done done) override {
    push([this, record, now] { return apply_lease(record, now); }, std::move(done));
  }

  void renew(LeaseRecord record, Time now, Done done) override {
    push(
        [this, record, now]() -> StoreReply {
          const auto held = books.find(record.number);
          if (held == books.end() || held->second.visit != record.visit_id)
            return reply(StoreStatus::kNotHeld);
          if (held->second.expire + held->second.hold <= now) return reply(StoreStatus::kNotHeld);
          held->second.expire = std::max(held->second.expire, record.expire);
          return reply(StoreStatus::kDone, {}, held->second.expire);
        },
        std::move(done));
  }

  void release(LeaseEnd end, Time, Done done) override {
    push(
        [this, end]() -> StoreReply {
          ends.push_back(end);
          const auto held = books.find(end.number);
          if (held == books.end() || held->second.visit != end.visit_id) return reply(StoreStatus::kNotHeld);
          held->second.expire = std::min(held->second.expire, end.end);
          return reply(StoreStatus::kDone, {}, held->second.expire);
        },
        std::move(done));
  }

  void expire(LeaseEnd end, Time, Done done) override {
    push(
        [this, end]() -> StoreReply {
          ends.push_back(end);
          const auto held = books.find(end.number);
          if (held == books.end() || held->second.visit != end.visit_id) return reply(StoreStatus::kNotHeld);
          return reply(StoreStatus::kDone, {}, held->second.expire);
        },
        std::move(done));
  }

  void note_unwritten(const LeaseRecord& record, Time) override { noted.push_back(record); }

  std::size_t waiting() const { return line_.size(); }

  /// Carries out and answers the write that has waited the longest; false when none waits.
  bool step() {
    if (line_.empty()) return false;
    auto [apply, done] = std::move(line_.front());
    line_.pop_front();
    switch (mode) {
      case Mode::kUp:
        done(apply());
        break;
      case Mode::kTwice:
        apply();
        done(apply());
        break;
      case Mode::kAway:
        done(reply(StoreStatus::kUnavailable));
        break;
      case Mode::kFull:
        done(reply(StoreStatus::kRefused));
        break;
      case Mode::kAnswerLost:
        apply();
        done(reply(StoreStatus::kInDoubt));
        break;
      case Mode::kRequestLost:
        done(reply(StoreStatus::kInDoubt));
        break;
    }
    return true;
  }

  void run() {
    while (step()) {
    }
  }

 private:
  static StoreReply reply(StoreStatus status, Number number = {}, Time expire = kNever) {
    return {status, number, expire, ""};
  }

  StoreReply apply_lease(const LeaseRecord& record, Time now) {
    for (auto& [number, held] : books) {
      const Time until = held.expire + (keeps_visits_in_hold ? held.hold : Duration(0));
      if (held.visit == record.visit_id && number != record.number && until > now) {
        return reply(StoreStatus::kVisitElsewhere, number, held.expire);
      }
    }
    const auto held = books.find(record.number);
    const bool other = held != books.end() && held->second.visit != record.visit_id;
    if (other && held->second.expire + held->second.hold > now) return reply(StoreStatus::kHeldByOther);
    written.push_back(record);
    if (held != books.end() && !other) {
      held->second.expire = std::max(held->second.expire, record.expire);
    } else {
      books[record.number] = {record.visit_id, record.start, record.expire, record.hold};
    }
    return reply(StoreStatus::kDone, {}, books[record.number].expire);
  }

  void push(std::function<StoreReply()> apply, Done done) {
    line_.emplace_back(std::move(apply), std::move(done));
  }

  std::deque<std::pair<std::function<StoreReply()>, Done>> line_;
};

}  // namespace ringtrace::pool::testing
