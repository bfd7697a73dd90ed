#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/pool/bounded_guide.h"
#include "tests/pool/explore.h"
#include "tests/pool/page_pool.h"
#include "tests/pool/trace_guide.h"

namespace ringtrace::pool::testing {

/// What is done for a visit, a letter an operation: those of Told. r, n: for an hour; N: for two; c, x, h:
/// the latest reservation; a: when every lease is over.
struct Script {
  const char* visit;
  const char* operations;
};

/// Threads that use one pool of three numbers at once, a script each.
struct SmallCase {
  std::vector<Script> before;  // done before the threads run; until a thread reserves it has v's reservation
  std::vector<Script> threads;
  bool many = false;  // more than ten thousand schedules: left out under a sanitizer

  std::string name() const {
    std::string name;
    for (const auto* scripts : {&before, &threads}) {
      for (const Script& script : *scripts) {
        name += std::string(scripts == &threads ? "| " : "") + script.visit + " " + script.operations + " ";
      }
    }
    return name;
  }
};

/// Those of which every schedule is run, or one of each class of schedules that are the same to everybody.
///
/// Not among them: a thread that leases and releases while another reserves for the same visit (rce | rc).
/// The other may have a second number in hand by then, and lends that where the page would give the first
/// back.
inline std::vector<SmallCase> complete_cases() {
  const Script lent{"v", "rc"}, reserved{"v", "r"}, ended{"v", "rce"};
  return {
      {{}, {{"v", "r"}, {"v", "r"}}},
      {{}, {{"v", "rc"}, {"w", "rc"}}},
      {{}, {{"v", "rce"}, {"w", "rce"}}, true},
      {{reserved}, {{"v", "c"}, {"v", "cen"}}},
      {{lent}, {{"v", "e"}, {"v", "n"}}},
      {{lent}, {{"v", "e"}, {"v", "rc"}}},
      {{lent}, {{"v", "e"}, {"w", "rc"}}},
      {{lent}, {{"v", "ere"}, {"v", "n"}}},
      {{lent}, {{"v", "en"}, {"v", "ne"}}},
      {{lent}, {{"v", "h"}, {"v", "n"}}},
      {{lent}, {{"v", "a"}, {"v", "a"}}, true},
      {{lent}, {{"v", "a"}, {"w", "rce"}}, true},
      {{ended}, {{"v", "n"}, {"v", "rc"}}},
      {{ended}, {{"v", "n"}, {"v", "N"}}},
      {{lent}, {{"v", "n"}, {"v", "N"}}},
      {{ended}, {{"v", "ne"}, {"w", "rc"}}},
      // Back in its hold v has left its entry in the queue, and all the others are lent.
      {{ended, {"u", "rc"}, {"w", "rc"}, {"v", "n"}}, {{"v", "e"}, {"x", "rc"}}},
      {{ended, {"u", "rc"}, {"w", "rc"}, {"v", "n"}}, {{"v", "en"}, {"u", "e"}, {"x", "rc"}}, true},

      {{reserved}, {{"v", "c"}, {"v", "x"}, {"v", "r"}}},
      {{reserved}, {{"v", "c"}, {"v", "h"}, {"v", "n"}}},
      {{reserved}, {{"v", "x"}, {"v", "r"}, {"w", "r"}}},
      {{reserved}, {{"v", "ce"}, {"v", "x"}, {"v", "r"}}, true},
      {{lent}, {{"v", "e"}, {"v", "n"}, {"v", "rc"}}, true},
      {{lent}, {{"v", "e"}, {"v", "e"}, {"v", "n"}}},
      {{lent}, {{"v", "e"}, {"w", "rc"}, {"u", "rc"}}},
      {{lent}, {{"v", "e"}, {"v", "a"}, {"w", "r"}}},
      {{lent}, {{"v", "a"}, {"v", "n"}, {"w", "r"}}, true},
      {{ended}, {{"v", "n"}, {"v", "rc"}, {"w", "rc"}}},

      {{ended}, {{"v", "r"}, {"v", "n"}, {"v", "e"}}, true},
      {{}, {{"v", "r"}, {"w", "r"}, {"v", "r"}}, true},
      {{}, {{"v", "rc"}, {"v", "rc"}}, true},
      {{}, {{"v", "rx"}, {"v", "r"}}, true},
  };
}

/// Those that have too many classes of schedules: millions.
inline std::vector<SmallCase> bounded_cases() {
  return {
      {{}, {{"v", "r"}, {"v", "r"}, {"v", "r"}}},
      {{}, {{"v", "rc"}, {"v", "rc"}, {"v", "rc"}}},
      {{}, {{"v", "rc"}, {"v", "rx"}, {"w", "rc"}}},
      {{}, {{"u", "rc"}, {"v", "rc"}, {"w", "rc"}}},
  };
}

/// One case: the shipped pool under every guide's schedules, compared with the pool on a page. Every answer,
/// with its number, and who has which number in the end, must come about by whole operations one after
/// another, in an order in which none comes before one that had ended when it began (linearizability: M.
/// Herlihy, J. Wing, 1990).
class SmallCaseRun {
 public:
  explicit SmallCaseRun(const SmallCase& of) : scripts_(of.threads), histories_(of.threads.size()) {
    for (const Script& before : of.before) {
      Ticket ticket = prepared_;
      for (const char* operation = before.operations; *operation != '\0'; ++operation) {
        const Told told = tell_now(*operation, before.visit, ticket);
        if (told.operation == Told::kReserve) ticket = told.ticket;
        if (!page_.allows(told)) wrong_before_ = "what comes before is not as on the page";
      }
      if (std::string_view(before.visit) == "v") prepared_ = ticket;
    }
    std::memcpy(saved_.data(), static_cast<const void*>(&small_), sizeof small_);
    rewind_.emplace();
    for (std::size_t i = 0; i < scripts_.size(); ++i) bodies_.emplace_back([this, i] { run(i); });
  }
  SmallCaseRun(const SmallCaseRun&) = delete;
  SmallCaseRun& operator=(const SmallCaseRun&) = delete;

  template <typename Guide>
  Found explore_with(Guide&& guide) {
    if (!wrong_before_.empty()) return {0, 0, wrong_before_};
    return explore(
        guide, bodies_, [this] { return find_wrong(); }, [this] { put_back(); });
  }

 private:
  static constexpr std::size_t kNumbers = 3;
  static constexpr std::size_t kMost = TraceGuide::kMostThreads;
  static Time now() { return at(hours(1)); }
  static Time later() { return at(hours(3)); }

  /// An operation of a thread, and of each thread how many had ended before it began.
  struct Operation {
    Told told;
    std::array<std::uint32_t, kMost> after{};
  };
  using Places = std::array<std::size_t, kMost>;

  Told tell_now(char operation, const std::string& visit, const Ticket& last) {
    const auto kind = static_cast<Told::Operation>(operation);
    const Time when = kind == Told::kAdvance ? later() : now();
    return tell(small_.pool, kind, visit, when, when + hours(1), last);
  }

  void run(std::size_t thread) {
    const std::string visit = scripts_[thread].visit;
    Ticket ticket = prepared_;
    for (const char* operation = scripts_[thread].operations; *operation != '\0'; ++operation) {
      Operation& own = histories_[thread].emplace_back();
      for (std::size_t i = 0; i < scripts_.size(); ++i) {
        if (i != thread) own.after[i] = ended_[i].load();
      }
      own.told = tell_now(*operation, visit, ticket);
      if (own.told.operation == Told::kReserve) ticket = own.told.ticket;
      ended_[thread].store(static_cast<std::uint32_t>(histories_[thread].size()));
    }
  }

  std::string find_wrong() {
    if (!is_explained(page_, {})) return "no order of whole operations answers " + to_text();
    for (const std::vector<Operation>& history : histories_) {
      for (const Operation& each : history) small_.pool.cancel(each.told.ticket, now());
    }
    small_.pool.cancel(prepared_, now());
    return find_loss(small_.pool, kNumbers, later() + hours(2));
  }

  /// Whether what is left from those places on can come about on that page.
  bool is_explained(const PagePool& page, const Places& from) {
    bool all_done = true;
    for (std::size_t i = 0; i < histories_.size(); ++i) {
      if (from[i] == histories_[i].size()) continue;
      all_done = false;
      const Operation& next = histories_[i][from[i]];
      bool may_come = true;
      for (std::size_t k = 0; k < histories_.size(); ++k) may_come = may_come && next.after[k] <= from[k];
      PagePool then = page;
      if (!may_come || !then.allows(next.told)) continue;
      Places rest = from;
      ++rest[i];
      if (is_explained(then, rest)) return true;
    }
    return all_done && left_by(page) == left_by_pool();
  }

  static std::string whose(const std::string& visit, Time end) {
    return visit + " for " + std::to_string((end - now()).count());
  }

  /// Whose each number is and until when, and how many are reserved and held.
  static std::string left(const std::array<std::string, kNumbers>& visits, std::size_t reserved,
                          std::size_t held) {
    std::string text;
    for (const std::string& visit : visits) text += (visit.empty() ? "-" : visit) + " ";
    return text + std::to_string(reserved) + " " + std::to_string(held);
  }
  static std::string left_by(const PagePool& page) {
    std::array<std::string, kNumbers> visits;
    std::size_t reserved = 0, held = 0;
    for (std::size_t i = 0; i < kNumbers; ++i) {
      const PagePool::Place& place = page.places[i];
      if (place.leased) visits[i] = whose(place.lease.visit, place.lease.end);
      reserved += place.reserved ? 1U : 0U;
      held += place.is_vacant() && place.rests_until > now() ? 1U : 0U;
    }
    return left(visits, reserved, held);
  }
  std::string left_by_pool() {
    std::array<std::string, kNumbers> visits;
    std::array<LeaseView, kNumbers> leases;
    std::uint32_t from = 0;
    const std::size_t count = small_.pool.scan(from, false, leases);
    for (std::size_t i = 0; i < count; ++i) {
      if (!leases[i].live) continue;
      visits[leases[i].ticket.slot] = whose(std::string(leases[i].visit.view()), leases[i].expire);
    }
    const PoolCounts counts = small_.pool.counts(now());
    return left(visits, counts.reserved, counts.held);
  }

  std::string to_text() {
    std::string text;
    for (const std::vector<Operation>& history : histories_) {
      for (const Operation& each : history) {
        text += static_cast<char>(each.told.operation);
        text += each.told.operation == Told::kReserve ? "RHPF-"[static_cast<int>(each.told.outcome)]
                                                      : (each.told.done ? 'y' : 'n');
        text += std::to_string(each.told.ticket.slot) + " after";
        for (const std::uint32_t ended : each.after) text += " " + std::to_string(ended);
        text += "; ";
      }
      text += "| ";
    }
    return text + "and leaves " + left_by_pool();
  }

  void put_back() {
    for (std::vector<Operation>& history : histories_) history.clear();
    // All a pool has is of a size fixed at start: its bytes, and the atoms elsewhere.
    std::memcpy(static_cast<void*>(&small_), saved_.data(), sizeof small_);
    rewind_->rewind();
  }

  const std::vector<Script> scripts_;
  SmallPool<DeterministicAtomic, 4> small_{proof_config(kNumbers)};
  PagePool page_{std::vector<PagePool::Place>(kNumbers), Duration(kHoldOfProofs)};
  Ticket prepared_;
  std::string wrong_before_;
  std::array<std::byte, sizeof(SmallPool<DeterministicAtomic, 4>)> saved_;
  std::array<DeterministicAtomic<std::uint32_t>, kMost> ended_{};  // operations, by thread
  std::vector<std::vector<Operation>> histories_;                  // by thread
  std::vector<std::function<void()>> bodies_;
  std::optional<Rewind> rewind_;
};

/// All complete cases, until one is wrong.
inline Found run_small_cases() {
  Found all;
  for (const SmallCase& each : complete_cases()) {
    const Found found = SmallCaseRun(each).explore_with(TraceGuide(each.threads.size()));
    all.schedules += found.schedules;
    all.steps += found.steps;
    all.wrong = found.wrong;
    if (found.wrong.empty()) continue;
    all.wrong += " (" + each.name() + ")";
    break;
  }
  return all;
}

}  // namespace ringtrace::pool::testing
