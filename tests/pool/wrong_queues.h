#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ringtrace::pool::testing {

/// A queue under a lock made of one atomic: what the tests of progress must fail on.
template <template <class> class Atom>
class LockedQueue {
 public:
  explicit LockedQueue(std::size_t size) : indices_(size) {}

  void push(std::uint32_t index) {
    lock();
    indices_[tail_.fetch_add(1) % indices_.size()].store(index);
    locked_.store(false);
  }

  std::optional<std::uint32_t> pop() {
    lock();
    std::optional<std::uint32_t> first;
    if (head_.load() != tail_.load()) first = indices_[head_.fetch_add(1) % indices_.size()].load();
    locked_.store(false);
    return first;
  }

 private:
  void lock() {
    while (locked_.exchange(true)) {
    }
  }

  Atom<bool> locked_{};
  std::vector<Atom<std::uint32_t>> indices_;
  Atom<std::uint64_t> head_{};
  Atom<std::uint64_t> tail_{};
};

/// D. Vyukov's bounded queue: one sequence number a cell. A thread stopped between taking its cell and
/// publishing it keeps all others from the cells behind.
template <template <class> class Atom>
class TicketQueue {
 public:
  explicit TicketQueue(std::size_t size) : cells_(size) {
    for (std::size_t i = 0; i < size; ++i) cells_[i].turn.store(i);
  }

  void push(std::uint32_t index) {
    const std::uint64_t count = tail_.fetch_add(1);
    Cell& cell = cells_[count % cells_.size()];
    while (cell.turn.load() != count) {
    }
    cell.index.store(index);
    cell.turn.store(count + 1);
  }

  std::optional<std::uint32_t> pop() {
    for (;;) {
      std::uint64_t count = head_.load();
      Cell& cell = cells_[count % cells_.size()];
      if (cell.turn.load() == count + 1) {
        if (!head_.compare_exchange_weak(count, count + 1)) continue;
        const std::uint32_t index = cell.index.load();
        cell.turn.store(count + cells_.size());
        return index;
      }
      if (head_.load() == count && tail_.load() == count) return std::nullopt;
    }
  }

 private:
  struct Cell {
    Atom<std::uint64_t> turn;
    Atom<std::uint32_t> index;
  };
  std::vector<Cell> cells_;
  Atom<std::uint64_t> head_;
  Atom<std::uint64_t> tail_;
};

}  // namespace ringtrace::pool::testing
