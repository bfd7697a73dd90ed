#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ringtrace::pool {

/// A set of slots: one bit each, and one bit for each 64 of those that says where to look. Lock-free; a look
/// through ten million reads some 2,500 words.
///
/// Invariant: a bit that is set has its upper bit set, or about to be set by who set it: the upper bit is set
/// after the lower one, and is set again by who took it away and then found more below. (Nothing takes an
/// upper bit away from `clear`ed marks: a look there finds an empty word.)
template <template <class> class Atom = std::atomic>
class SlotMarks {
 public:
  explicit SlotMarks(std::size_t slots)
      : words_(slots / 64 + 1),
        uppers_(words_ / 64 + 1),
        marks_(std::make_unique<Atom<std::uint64_t>[]>(words_ + uppers_)) {}

  void set(std::uint32_t slot) {
    const std::size_t word = slot / 64;
    marks_[word].fetch_or(bit(slot));
    marks_[words_ + word / 64].fetch_or(bit(word));
  }

  /// Whether there is a mark. The upper bits of all slots are in a few lines, and mostly say no.
  bool has(std::uint32_t slot) const {
    const std::size_t word = slot / 64;
    const Atom<std::uint64_t>* const marks = marks_.get();
    return (marks[words_ + word / 64].load() & bit(word)) != 0 && (marks[word].load() & bit(slot)) != 0;
  }

  /// Takes one mark away; nothing happens when it is not there.
  void clear(std::uint32_t slot) { marks_[slot / 64].fetch_and(~bit(slot)); }

  /// Calls `each(slot)` for every mark, and leaves them.
  template <typename Each>
  void for_each(Each each) const {
    find(0, [&](std::uint32_t slot) { return each(slot), false; });
  }

  /// Calls `is(slot)` for marks, from some of them on, which are others when `from` is another number, until
  /// it returns true. Leaves them.
  template <typename Is>
  void find(std::size_t from, Is is) const {
    const auto turn = static_cast<int>(from % 64);
    for (std::size_t i = 0; i < uppers_; ++i) {
      const std::size_t upper = (from / 64 + i) % uppers_;
      for (std::uint64_t where = std::rotr(marks_[words_ + upper].load(), turn); where != 0;
           where &= where - 1) {
        const std::size_t word = upper * 64 + (static_cast<std::size_t>(std::countr_zero(where)) + from) % 64;
        for (std::uint64_t set = marks_[word].load(); set != 0; set &= set - 1) {
          if (is(static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(set)))))
            return;
        }
      }
    }
  }

  /// Takes marks away and calls `each(slot)` for every one, until it returns false. A mark is given to one
  /// caller only.
  template <typename Each>
  void take(Each each) {
    for (std::size_t upper = 0; upper < uppers_; ++upper) {
      std::uint64_t where = marks_[words_ + upper].load();
      for (; where != 0; where &= where - 1) {
        const std::size_t word = upper * 64 + static_cast<std::size_t>(std::countr_zero(where));
        marks_[words_ + upper].fetch_and(~bit(word));
        const bool more = take_word(word, each);
        if (marks_[word].load() != 0) marks_[words_ + upper].fetch_or(bit(word));
        if (!more) return;
      }
    }
  }

  std::size_t memory_bytes() const { return (words_ + uppers_) * sizeof(std::uint64_t); }

 private:
  static std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << (place % 64); }

  template <typename Each>
  bool take_word(std::size_t word, Each each) {
    for (std::uint64_t set = marks_[word].load(); set != 0; set &= set - 1) {
      const std::size_t slot = word * 64 + static_cast<std::size_t>(std::countr_zero(set));
      if ((marks_[word].fetch_and(~bit(slot)) & bit(slot)) == 0) continue;
      if (!each(static_cast<std::uint32_t>(slot))) return false;
    }
    return true;
  }

  // constant after construction
  const std::size_t words_;
  const std::size_t uppers_;
  const std::unique_ptr<Atom<std::uint64_t>[]> marks_;
};

}  // namespace ringtrace::pool
