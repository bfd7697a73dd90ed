#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace ringtrace::sip {

using SteadyTime = std::chrono::steady_clock::time_point;

/// All timers of the proxy: a hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7).
///
/// Starting and stopping cost the same with ten timers and with a million. A timer fires at the first
/// advance() at or after its time, at most one kTick late; within one tick in no order. One thread; the time
/// is always an argument.
class TimerQueue {
 public:
  using Id = std::uint64_t;  ///< never reused within 2^32 timers of one slot
  static constexpr Id kNone = 0;
  static constexpr std::chrono::milliseconds kTick{10};
  static constexpr std::chrono::milliseconds kTidy{250};
  /// Later times are cut to this; the proxy's longest is a call's maximum age.
  static constexpr std::chrono::hours kLongest{24 * 100};

  /// What a timer is for; handed back when it fires.
  struct Event {
    std::uint64_t owner = 0;
    std::uint32_t what = 0;
  };

  explicit TimerQueue(SteadyTime now);

  Id start(SteadyTime at, Event event);
  /// A timer nobody waits for, because it only tidies up: fires up to kTidy later, with others of its kind.
  Id start_tidy(SteadyTime at, Event event);
  /// Stops the timer if it still runs and forgets the id; kNone and fired timers are fine.
  void stop(Id& id);
  /// Fires everything due. The callback may start and stop timers, also those due now; a stopped timer never
  /// fires.
  void advance(SteadyTime now, const std::function<void(Id, Event)>& fire);

  /// Before this time advance() has nothing to do; max() without timers. At most a kTick before the first
  /// timer's time when that is near, and some turns of the wheel before it when it is far.
  SteadyTime next() const;

  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::uint32_t kSlots = 1u << kBits;
  static constexpr unsigned kLevels = 6;
  static constexpr std::uint32_t kNil = 0xffffffff;

  struct Entry {
    Event event;
    std::uint64_t tick = 0;
    std::uint32_t next = kNil;
    std::uint32_t previous = kNil;
    std::uint32_t generation = 1;
    std::uint32_t list = kNil;  ///< the list it hangs in; kNil when free
  };

  std::uint64_t tick_of(SteadyTime at) const;
  Id start_at(std::uint64_t tick, Event event);
  void place(std::uint32_t index);
  void link(std::uint32_t list, std::uint32_t index);
  void unlink(std::uint32_t index);
  void release(std::uint32_t index);
  void cascade(unsigned level);

  SteadyTime origin_;
  std::uint64_t current_ = 0;  ///< the next tick to run
  std::size_t size_ = 0;
  std::vector<Entry> entries_;
  std::uint32_t free_ = kNil;
  /// Heads of the lists: kLevels * kSlots of the wheel.
  std::array<std::uint32_t, kLevels * kSlots> heads_;
};

}  // namespace ringtrace::sip
