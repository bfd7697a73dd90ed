#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ringtrace::crash {

/// Civil time in milliseconds: what the gateway writes into its answers, on the same machine.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// What a visit was answered: its lease, or the number everybody is shown.
struct Answer {
  std::string number;
  Time expire{};
  bool durable = false;
  bool fallback = false;
};

/// The site's own book of what it asked for and what it was promised, held against every answer and, after
/// each crash, against every visit. It lives outside the processes that are killed.
///
/// A visit asks for one thing at a time. What was asked and never answered is in doubt: it may have happened
/// or not, and both are right, as long as what is seen later is consistent. Lists what is wrong instead of
/// stopping.
class Promises {
 public:
  explicit Promises(std::chrono::milliseconds hold) : hold_(hold) {}

  // --- what was asked and answered, with the civil time of sending and of the answer

  /// A lease or a renewal.
  void leased(const std::string& visit, const Answer& answer, Time sent, Time now);
  void renew_not_found(const std::string& visit, Time now);
  /// A release was sent: from now on the number may be in its hold.
  void release_sent(const std::string& visit, Time now);
  void released(const std::string& visit, Time now);
  /// No answer, or one that leaves open whether it happened.
  void lease_in_doubt(const std::string& visit, Time now);

  // --- after a crash: what the gateway says now

  void found(const std::string& visit, const Answer& lease, Time now);
  void not_found(const std::string& visit, Time now);

  /// Every visit that was ever answered or is in doubt.
  std::vector<std::string> visits() const;
  bool is_in_doubt(const std::string& visit) const;
  std::optional<std::string> number_of(const std::string& visit) const;

  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t in_doubt() const { return in_doubt_; }

  /// Leases that were promised and are gone: none when the store syncs always.
  const std::vector<std::string>& losses() const { return losses_; }

  /// Leases that were let go and are there again: none when the store syncs always. After a possible loss all
  /// that had ended shortly before count as extended.
  const std::vector<std::string>& returns() const { return returns_; }

  /// Everything else that must never be.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Held {
    std::string number;
    Time expire{};
    bool durable = false;
  };

  struct Visit {
    std::deque<std::string> story;  ///< the latest that happened, for a person to read
    std::optional<Held> held;       ///< the latest answer
    std::string let_go;             ///< the number it released last, or that ran out
    bool release_in_doubt = false;
    bool lease_in_doubt = false;
  };

  /// The last visit known to have been shown the number, and until when nobody else may be.
  struct Shown {
    std::string visit;
    Time bound_until{};
  };

  bool must_be_live(const Visit& visit, Time now) const;
  void show(const std::string& visit, const Answer& answer, Time now);
  void lose(const std::string& visit, const Visit& state, Time now, const std::string& what);
  void tell(const std::string& visit, Time now, const std::string& what);
  void forget(const std::string& visit);
  void wrong(const std::string& visit, const std::string& what);
  std::string story_of(const std::string& visit, const std::string& what) const;

  const std::chrono::milliseconds hold_;
  std::map<std::string, Visit> visits_;
  std::map<std::string, Shown> numbers_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t in_doubt_ = 0;
  std::vector<std::string> losses_;
  std::vector<std::string> returns_;
  std::vector<std::string> violations_;
};

}  // namespace ringtrace::crash
