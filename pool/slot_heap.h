#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "pool/time.h"

namespace ringtrace::pool {

/// Slots in the order of an instant (ties: in the order they came), any of which can be taken out. Fixed
/// memory. Not thread-safe.
class SlotHeap {
 public:
  explicit SlotHeap(std::size_t slots) : places_(slots, kOutside) { entries_.reserve(slots); }

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::uint32_t first() const { return entries_.front().slot; }
  Time first_key() const { return entries_.front().key; }

  void push(std::uint32_t slot, Time key) {
    entries_.push_back({key, ++arrivals_, slot});
    places_[slot] = static_cast<std::uint32_t>(entries_.size() - 1);
    rise(entries_.size() - 1);
  }

  void remove(std::uint32_t slot) {
    const std::size_t place = places_[slot];
    places_[slot] = kOutside;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (place == entries_.size()) return;
    entries_[place] = last;
    places_[last.slot] = static_cast<std::uint32_t>(place);
    rise(place);
    sink(places_[last.slot]);
  }

  std::size_t memory_bytes() const {
    return entries_.capacity() * sizeof(Entry) + places_.size() * sizeof(places_[0]);
  }

 private:
  static constexpr std::uint32_t kOutside = 0xFFFF'FFFF;

  struct Entry {
    Time key;
    std::uint64_t arrival;
    std::uint32_t slot;
    bool before(const Entry& other) const {
      return key != other.key ? key < other.key : arrival < other.arrival;
    }
  };

  void exchange(std::size_t a, std::size_t b) {
    std::swap(entries_[a], entries_[b]);
    places_[entries_[a].slot] = static_cast<std::uint32_t>(a);
    places_[entries_[b].slot] = static_cast<std::uint32_t>(b);
  }

  void rise(std::size_t place) {
    while (place > 0 && entries_[place].before(entries_[(place - 1) / 2])) {
      exchange(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }

  void sink(std::size_t place) {
    for (;;) {
      std::size_t least = place;
      for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
        if (child < entries_.size() && entries_[child].before(entries_[least])) least = child;
      }
      if (least == place) return;
      exchange(place, least);
      place = least;
    }
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> places_;
  std::uint64_t arrivals_ = 0;
};

}  // namespace ringtrace::pool
