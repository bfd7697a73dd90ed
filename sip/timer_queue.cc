#include "sip/timer_queue.h"

#include <algorithm>

namespace ringtrace::sip {

TimerQueue::TimerQueue(SteadyTime now) : origin_(now) { heads_.fill(kNil); }

std::uint64_t TimerQueue::tick_of(SteadyTime at) const {
  if (at <= origin_) return 0;
  // Rounded up: a timer never fires early.
  return static_cast<std::uint64_t>((at - origin_ + kTick - std::chrono::nanoseconds{1}) / kTick);
}

TimerQueue::Id TimerQueue::start(SteadyTime at, Event event) { return start_at(tick_of(at), event); }

TimerQueue::Id TimerQueue::start_tidy(SteadyTime at, Event event) {
  constexpr std::uint64_t kTogether = kTidy / kTick;
  return start_at((tick_of(at) + kTogether - 1) / kTogether * kTogether, event);
}

TimerQueue::Id TimerQueue::start_at(std::uint64_t tick, Event event) {
  std::uint32_t index = free_;
  if (index == kNil) {
    index = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[index].next;
  }
  Entry& entry = entries_[index];
  entry.event = event;
  constexpr std::uint64_t kFurthest = kLongest / kTick;
  entry.tick = std::min(std::max(tick, current_), current_ + kFurthest);
  ++size_;
  place(index);
  return (static_cast<Id>(entry.generation) << 32) | index;
}

void TimerQueue::stop(Id& id) {
  const auto index = static_cast<std::uint32_t>(id);
  const auto generation = static_cast<std::uint32_t>(id >> 32);
  if (id != kNone && index < entries_.size() && entries_[index].generation == generation) {
    unlink(index);
    release(index);
  }
  id = kNone;
}

void TimerQueue::advance(SteadyTime now, const std::function<void(Id, Event)>& fire) {
  if (now < origin_) return;
  const auto last = static_cast<std::uint64_t>((now - origin_) / kTick);
  while (current_ <= last) {
    if (size_ == 0) {
      current_ = last + 1;
      return;
    }
    for (unsigned level = 1; level < kLevels && (current_ & ((1ull << (kBits * level)) - 1)) == 0; ++level) {
      cascade(level);
    }
    const auto list = static_cast<std::uint32_t>(current_ & (kSlots - 1));
    // A timer started by the callback for this very tick lands in this list again and fires in this loop.
    while (heads_[list] != kNil) {
      const std::uint32_t index = heads_[list];
      const Id id = (static_cast<Id>(entries_[index].generation) << 32) | index;
      const Event event = entries_[index].event;
      unlink(index);
      release(index);
      fire(id, event);
    }
    ++current_;
  }
}

SteadyTime TimerQueue::next() const {
  if (size_ == 0) return SteadyTime::max();
  std::uint64_t next = current_ + kLongest / kTick;
  for (unsigned level = 0; level < kLevels; ++level) {
    // The slot of now is among them: at its first tick it has not been cascaded yet.
    const std::uint64_t turn = current_ >> (kBits * level);
    for (std::uint64_t slot = turn & (kSlots - 1); slot < kSlots; ++slot) {
      if (heads_[level * kSlots + slot] == kNil) continue;
      next =
          std::min(next, std::max(current_, ((turn & ~std::uint64_t{kSlots - 1}) + slot) << (kBits * level)));
      break;
    }
  }
  return origin_ + next * kTick;
}

void TimerQueue::place(std::uint32_t index) {
  const std::uint64_t tick = entries_[index].tick;
  unsigned level = 0;
  // The lowest level whose turn of the wheel reaches both now and the timer's tick.
  while (level + 1 < kLevels && (tick >> (kBits * (level + 1))) != (current_ >> (kBits * (level + 1))))
    ++level;
  const auto slot = static_cast<std::uint32_t>((tick >> (kBits * level)) & (kSlots - 1));
  link(level * kSlots + slot, index);
}

void TimerQueue::link(std::uint32_t list, std::uint32_t index) {
  Entry& entry = entries_[index];
  entry.list = list;
  entry.previous = kNil;
  entry.next = heads_[list];
  if (entry.next != kNil) entries_[entry.next].previous = index;
  heads_[list] = index;
}

void TimerQueue::unlink(std::uint32_t index) {
  Entry& entry = entries_[index];
  if (entry.previous == kNil) {
    heads_[entry.list] = entry.next;
  } else {
    entries_[entry.previous].next = entry.next;
  }
  if (entry.next != kNil) entries_[entry.next].previous = entry.previous;
}

void TimerQueue::release(std::uint32_t index) {
  Entry& entry = entries_[index];
  ++entry.generation;
  if (entry.generation == 0) entry.generation = 1;
  entry.list = kNil;
  entry.next = free_;
  free_ = index;
  --size_;
}

void TimerQueue::cascade(unsigned level) {
  const auto slot = static_cast<std::uint32_t>((current_ >> (kBits * level)) & (kSlots - 1));
  const std::uint32_t list = level * kSlots + slot;
  std::uint32_t index = heads_[list];
  heads_[list] = kNil;
  while (index != kNil) {
    const std::uint32_t next = entries_[index].next;
    place(index);
    index = next;
  }
}

}  // namespace ringtrace::sip
