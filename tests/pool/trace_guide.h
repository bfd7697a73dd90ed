#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/pool/deterministic_atomic.h"

namespace ringtrace::pool::testing {

/// Guides runs through every behaviour of up to kMostThreads threads, without running every schedule.
///
/// Two accesses of different threads depend on one another when they are to the same atom and at least one
/// changes its value; the order of others makes no difference to anybody. So schedules fall into classes
/// (Mazurkiewicz's traces): those that order all dependent accesses alike, in which all threads see the same
/// and which leave the same behind. One schedule of each class is run.
///
/// How: dynamic partial order reduction by source sets and sleep sets (P. Abdulla, S. Aronis, B. Jonsson,
/// K. Sagonas: "Optimal Dynamic Partial Order Reduction", POPL 2014, algorithm 1). Each run that ends is
/// looked through for races: a dependent pair with nothing in between that orders it. For each, a thread is
/// noted at the point before the first of the pair, by which a later run comes to the other order; unless one
/// is noted there that leads to the same classes. A thread all of whose continuations have been run sleeps
/// until something it depends on has happened; a run in which every thread left sleeps would repeat an
/// earlier one, and is given up.
///
/// A failed exchange, and a store of what is there already, change nothing and count as loads. That is sound:
/// whether two neighbouring accesses depend comes out the same in either order.
///
/// Nothing is bounded here but the steps of one run: threads that wait for one another make a run without
/// end, which the test takes for a failure. In code that is lock-free there is none: some thread ends its
/// operation, and each has a finite number of them.
class TraceGuide : public Schedule::Guide {
 public:
  static constexpr std::size_t kMostThreads = 4;

  /// `reduced` false: runs every schedule there is; what the reduction is tested against.
  explicit TraceGuide(std::size_t threads, bool reduced = true) : threads_(threads), reduced_(reduced) {}

  /// Makes ready for the next run; false when there is none left.
  bool next_run() {
    if (runs_++ == 0) return true;
    if (reduced_) note_races();
    while (!nodes_.empty()) {
      Node& node = nodes_.back();
      node.explored |= bit(node.access.thread);
      node.sleepers[node.access.thread] = node.access;
      if (!reduced_) node.wanted = node.ready;
      const std::uint32_t open = node.wanted & ~(node.explored | node.asleep);
      if (open != 0) {
        forget_access(node);
        node.access.thread = static_cast<std::uint32_t>(std::countr_zero(open));
        planned_ = nodes_.size();
        depth_ = 0;
        repeats_ = false;
        return true;
      }
      forget_access(node);
      nodes_.pop_back();
    }
    return false;
  }

  /// The run went on into what an earlier one has shown, and was given up.
  bool repeats() const { return repeats_; }
  /// Two runs of the same schedule did not make the same accesses: the test itself is at fault.
  bool strays() const { return strays_; }

  /// The class of the latest run: what came before each access, thread by thread.
  std::vector<std::uint32_t> trace() const {
    std::vector<std::uint32_t> trace;
    for (std::uint32_t thread = 0; thread < threads_; ++thread) {
      for (const Node& node : nodes_) {
        if (node.access.thread == thread) trace.insert(trace.end(), node.clock.begin(), node.clock.end());
      }
      trace.push_back(kNone);
    }
    return trace;
  }

  std::size_t choose(std::size_t running, const std::vector<bool>& done) override {
    if (depth_ < planned_) return nodes_[depth_].access.thread;
    Node node;
    for (std::size_t i = 0; i < threads_; ++i) node.ready |= done[i] ? 0U : bit(i);
    if (reduced_ && depth_ > 0) fall_asleep(nodes_[depth_ - 1], node);
    const std::uint32_t awake = node.ready & ~node.asleep;
    repeats_ = awake == 0;
    if (repeats_) return Schedule::kNobody;
    const bool stays = running != Schedule::kNobody && (awake & bit(running)) != 0;
    node.access.thread =
        static_cast<std::uint32_t>(stays ? static_cast<int>(running) : std::countr_zero(awake));
    node.wanted = bit(node.access.thread);
    nodes_.push_back(node);
    return node.access.thread;
  }

  void accessed(const void* place, bool changes) override {
    Node& node = nodes_[depth_];
    if (depth_ + 1 < planned_) {
      strays_ = strays_ || node.place != place || node.access.changes != changes;
    } else {
      node.place = place;
      node.access.atom = atoms_.try_emplace(place, static_cast<std::uint32_t>(atoms_.size())).first->second;
      node.access.changes = changes;
      note_access(node);
    }
    ++depth_;
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Access {
    std::uint32_t thread = 0;
    std::uint32_t atom = 0;
    bool changes = false;
  };

  /// Of each thread, how many of its accesses came before.
  using Clock = std::array<std::uint32_t, kMostThreads>;

  /// A point of the run, and the access made from there.
  struct Node {
    Access access;
    const void* place = nullptr;
    Clock clock{};                              // what came before the access, itself included
    std::uint32_t before_on_atom = kNone;       // the latest access to the same atom
    std::uint32_t before_of_thread = kNone;     // the latest access of the same thread
    std::uint32_t ready = 0;                    // sets of threads, a bit each: those not done
    std::uint32_t wanted = 0;                   // to be run from here
    std::uint32_t explored = 0;                 // run from here already
    std::uint32_t asleep = 0;                   // to be left alone, from before
    std::array<Access, kMostThreads> sleepers;  // what those explored or asleep would do
  };

  static std::uint32_t bit(std::size_t thread) { return std::uint32_t{1} << thread; }
  static bool depend(const Access& a, const Access& b) {
    return a.thread == b.thread || (a.atom == b.atom && (a.changes || b.changes));
  }
  /// The access at `first` came before the one at `later`, for all schedules of the class.
  bool precedes(std::size_t first, const Clock& later) const {
    const std::uint32_t thread = nodes_[first].access.thread;
    return nodes_[first].clock[thread] <= later[thread];
  }
  static void join(Clock& clock, const Clock& other) {
    for (std::size_t i = 0; i < kMostThreads; ++i) clock[i] = std::max(clock[i], other[i]);
  }

  static void fall_asleep(const Node& before, Node& node) {
    for (std::uint32_t left = before.explored | before.asleep; left != 0; left &= left - 1) {
      const auto thread = static_cast<std::size_t>(std::countr_zero(left));
      if (depend(before.sleepers[thread], before.access)) continue;
      node.asleep |= bit(thread);
      node.sleepers[thread] = before.sleepers[thread];
    }
  }

  void note_access(Node& node) {
    const auto self = static_cast<std::uint32_t>(depth_);
    const Access& access = node.access;
    latest_on_.resize(atoms_.size(), kNone);
    node.before_on_atom = std::exchange(latest_on_[access.atom], self);
    node.before_of_thread = std::exchange(latest_of_[access.thread], self);
    node.clock = node.before_of_thread == kNone ? Clock{} : nodes_[node.before_of_thread].clock;
    ++node.clock[access.thread];
    for (std::uint32_t at = node.before_on_atom; at != kNone; at = nodes_[at].before_on_atom) {
      if (nodes_[at].access.changes || access.changes) join(node.clock, nodes_[at].clock);
      if (nodes_[at].access.changes) break;
    }
  }

  void forget_access(Node& node) {
    latest_on_[node.access.atom] = node.before_on_atom;
    latest_of_[node.access.thread] = node.before_of_thread;
  }

  /// Looks through what is new of the run.
  void note_races() {
    for (std::size_t later = planned_ == 0 ? 0 : planned_ - 1; later < nodes_.size(); ++later) {
      const Node& node = nodes_[later];
      Clock ordered = node.before_of_thread == kNone ? Clock{} : nodes_[node.before_of_thread].clock;
      // From the latest back: what comes before one of those is no race.
      for (std::uint32_t at = node.before_on_atom; at != kNone; at = nodes_[at].before_on_atom) {
        const Access& access = nodes_[at].access;
        if (access.changes || node.access.changes) {
          if (!precedes(at, ordered)) note_race(at, later);
          join(ordered, nodes_[at].clock);
        }
        if (access.changes) break;
      }
    }
  }

  /// Has some run come to the other order of a race.
  void note_race(std::size_t first, std::size_t later) {
    // The first access of each thread in what does not come after `first`, and then `later`.
    std::array<std::size_t, kMostThreads> firsts{};
    std::uint32_t there = 0;
    for (std::size_t at = first + 1; at <= later; ++at) {
      const std::uint32_t thread = nodes_[at].access.thread;
      if ((there & bit(thread)) != 0 || (at != later && precedes(first, nodes_[at].clock))) continue;
      there |= bit(thread);
      firsts[thread] = at;
    }
    // Those that can begin it.
    std::uint32_t initials = 0;
    for (std::size_t thread = 0; thread < threads_; ++thread) {
      if ((there & bit(thread)) == 0) continue;
      bool begins = true;
      for (std::size_t other = 0; other < threads_; ++other) {
        if (other == thread || (there & bit(other)) == 0 || firsts[other] >= firsts[thread]) continue;
        begins = begins && !precedes(firsts[other], nodes_[firsts[thread]].clock);
      }
      if (begins) initials |= bit(thread);
    }
    // What one asleep leads to has been run.
    if (((nodes_[first].wanted | nodes_[first].asleep) & initials) != 0) return;
    const std::uint32_t last = nodes_[later].access.thread;
    nodes_[first].wanted |= (initials & bit(last)) != 0 ? bit(last) : initials & (~initials + 1);
  }

  const std::size_t threads_;
  const bool reduced_;
  std::uint64_t runs_ = 0;
  std::vector<Node> nodes_;
  std::size_t planned_ = 0;  // nodes of which the thread is decided before the run
  std::size_t depth_ = 0;
  bool repeats_ = false;
  bool strays_ = false;
  std::unordered_map<const void*, std::uint32_t> atoms_;
  std::vector<std::uint32_t> latest_on_;
  std::array<std::uint32_t, kMostThreads> latest_of_{kNone, kNone, kNone, kNone};
};

}  // namespace ringtrace::pool::testing
