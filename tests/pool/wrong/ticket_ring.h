#pragma once

// In the place of pool/idle_queue.h: the same pool on D. Vyukov's bounded ring.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/big_array.h"

namespace ringtrace::pool {

/// Each cell has a turn; who pushes takes the tail first and publishes in its cell afterwards. Right in what
/// it does, but a thread stopped between the two keeps all others from the numbers behind: they wait, and
/// give up when they have looked kPatience times, so that a test goes on.
template <template <class> class Atom = std::atomic>
class IdleQueue {
 public:
  static constexpr int kPatience = 100'000;

  explicit IdleQueue(std::size_t indices)
      : mask_(std::bit_ceil(std::max(indices, std::size_t{256})) - 1), cells_(mask_ + 1) {
    for (std::uint64_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i);
  }

  void push(std::uint32_t index) {
    for (;;) {
      std::uint64_t tail = tail_.load();
      Cell& cell = cell_of(tail);
      if (cell.turn.load() != tail || !tail_.compare_exchange_strong(tail, tail + 1)) continue;
      cell.index.store(index);
      cell.turn.store(tail + 1);
      return;
    }
  }

  template <typename Pass>
  void ripen(Pass pass) {
    for (;;) {
      std::uint64_t ripe = ripe_.load();
      const std::uint64_t next = std::max(ripe, head_.load());
      const bool passes = cell_of(next).turn.load() == next + 1 && pass(cell_of(next).index.load());
      if (!passes && next == ripe) return;
      ripe_.compare_exchange_strong(ripe, passes ? next + 1 : next);
    }
  }

  template <typename Pass>
  std::optional<std::uint32_t> take(Pass pass) {
    for (int looks = 0; looks < kPatience; ++looks) {
      std::uint64_t head = head_.load();
      Cell& cell = cell_of(head);
      if (cell.turn.load() == head + 1) {
        const std::uint32_t index = cell.index.load();
        if (pass(index)) {
          if (!head_.compare_exchange_strong(head, head + 1)) continue;
          cell.turn.store(head + mask_ + 1);
          return index;
        }
        if (head_.load() == head) return std::nullopt;
      } else if (tail_.load() == head && head_.load() == head) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::uint32_t ahead(std::uint64_t places) const { return cell_of(head_.load() + places).index.load(); }

  std::optional<std::uint32_t> first() const {
    const std::uint64_t head = head_.load();
    if (head >= ripe_.load()) return std::nullopt;
    return cell_of(head).index.load();
  }

  std::size_t memory_bytes() const { return (mask_ + 1) * sizeof(Cell); }

 private:
  struct Cell {
    Atom<std::uint64_t> turn;
    Atom<std::uint32_t> index;
  };
  Cell& cell_of(std::uint64_t count) const { return cells_[count & mask_]; }

  const std::uint64_t mask_;
  const BigArray<Cell> cells_;
  Atom<std::uint64_t> head_{};
  Atom<std::uint64_t> ripe_{};
  Atom<std::uint64_t> tail_{};
};

}  // namespace ringtrace::pool
