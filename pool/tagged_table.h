#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

namespace ringtrace::pool {

/// A bounded table from keys to payloads that forgets the oldest: sets of eight ways, the keys of a set in
/// one cache line.
///
/// A key is a keyed hash, never 0; its upper 24 bits, its place, choose its set. Each way has a tag, an age
/// stamp (the greater, the newer) and the words of its payload. The tag counts the writes of the way and is
/// odd while one is under way:
///
///     writes (63 bits) | being written (1 bit)
///
/// Invariants
///  I1  Only the thread whose compare-exchange made a tag odd writes the way's key, stamp and payload, until
///      it makes the tag even: nobody claims an odd tag. The tag never has a value twice.
///  I2  A payload is returned only when the tag was even and the same before and after the key, the stamp and
///      the payload were read: they are then of one write.
///  I3  A key that is in two ways (two threads put it at once, or one put it while another slept over a put
///      of it) counts with its greater stamp, equal stamps with the lower way, so that all finds agree. Any
///      later put of it erases the ways that it saw hold it before.
///
/// Ordering: data is stored with release after the claim and loaded with acquire before the tag is looked at
/// again, so that a reader who saw a word of a newer write sees its claim too. No fences.
/// Linearization points: a put is the store that makes the tag even; a find, the second look at the tag.
/// Progress: a find is wait-free. A put is lock-free: it tries again only when another thread claimed the way
/// it had chosen, and gives up after kAttempts. A thread stopped inside a put keeps its one way of eight
/// until it goes on: the key that was there is absent, and so is the key it brings.
///
/// Disadvantages: what is forgotten is the oldest of a set, not of the table, so a table that is asked to
/// hold as many keys as it has places forgets some of them early; a find that meets a put of its key reports
/// it absent; memory is fixed at construction.
template <typename Payload, template <class> class Atom = std::atomic>
class TaggedTable {
 public:
  static_assert(std::is_trivially_copyable_v<Payload>);
  static constexpr std::size_t kWays = 8;
  static constexpr unsigned kPlaceBits = 24;
  static constexpr unsigned kRestBits = 64 - kPlaceBits;

  /// A table of `places`, rounded up to whole sets when they are more than one set. One of none keeps
  /// nothing.
  explicit TaggedTable(std::size_t places)
      : set_count_((places + kWays - 1) / kWays),
        ways_(places < kWays ? places : kWays),
        keys_(std::make_unique<Keys[]>(set_count_)),
        entries_(std::make_unique<Entry[]>(set_count_ * kWays)) {
    for (std::size_t i = 0; i < set_count_ * kWays; ++i) {
      keys_[i / kWays].words[i % kWays].store(0, std::memory_order_relaxed);
      entries_[i].tag.store(0, std::memory_order_relaxed);
      entries_[i].stamp.store(0, std::memory_order_relaxed);
      for (auto& word : entries_[i].words) word.store(0, std::memory_order_relaxed);
    }
  }

  TaggedTable(const TaggedTable&) = delete;
  TaggedTable& operator=(const TaggedTable&) = delete;

  /// Copies what is known of `key` to `payload` and returns its stamp; none, and an unspecified payload, when
  /// nothing is.
  std::optional<std::uint64_t> find(std::uint64_t key, Payload& payload) const {
    if (set_count_ == 0) return std::nullopt;
    const std::size_t set = set_of(key);
    std::optional<std::uint64_t> newest;
    for (std::size_t way = 0; way < ways_; ++way) {
      if (keys_[set].words[way].load(std::memory_order_relaxed) != key) continue;
      Words words;
      const auto stamp = read(set, way, key, words);
      if (!stamp || (newest && *stamp <= *newest)) continue;
      newest = stamp;
      std::memcpy(static_cast<void*>(&payload), words.data(), sizeof(Payload));
    }
    return newest;
  }

  /// False when find would find nothing under any key of that place: a glance at the one line of the set's
  /// keys, for which the rest of the key need not be known.
  bool may_know(std::uint32_t place) const {
    if (set_count_ == 0) return false;
    const Keys& keys = keys_.get()[set_at(place)];
    const std::uint64_t key = std::uint64_t{place} << kRestBits;
    std::uint64_t nearest = ~std::uint64_t{0};
#pragma GCC unroll 8
    for (std::size_t way = 0; way < kWays; ++way) {
      nearest = std::min(nearest, keys.words[way].load(std::memory_order_relaxed) ^ key);
    }
    return nearest >> kRestBits == 0;
  }

  /// Puts what is known of `key`: in the place of what was, else in an empty place of its set, else in that
  /// of the oldest. False when nothing was put, because other threads hold the places or the table has none.
  bool put(std::uint64_t key, const Payload& payload, std::uint64_t stamp) {
    if (set_count_ == 0) return false;
    const std::size_t set = set_of(key);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const Choice choice = choose(set, key);
      if (choice.way == kNoWay) return false;
      if (!claim(set, choice.way, choice.tags[choice.way])) continue;
      write(set, choice.way, choice.tags[choice.way], key, payload, stamp);
      for (std::size_t way = 0; way < ways_; ++way) {
        if (way != choice.way && choice.holds_key[way]) erase(set, way, choice.tags[way]);
      }
      return true;
    }
    return false;
  }

  /// Forgets `key`; a put of it that is under way may still come after.
  void remove(std::uint64_t key) {
    if (set_count_ == 0) return;
    const std::size_t set = set_of(key);
    for (std::size_t way = 0; way < ways_; ++way) {
      const std::uint64_t tag = entry(set, way).tag.load(std::memory_order_acquire);
      if (is_claimed(tag) || keys_[set].words[way].load(std::memory_order_acquire) != key) continue;
      erase(set, way, tag);
    }
  }

  /// Keys there is room for.
  std::size_t places() const { return set_count_ == 1 ? ways_ : set_count_ * kWays; }

  std::size_t memory_bytes() const {
    return set_count_ * (sizeof(Keys) + kWays * sizeof(Entry)) + sizeof(*this);
  }

 private:
  static constexpr std::size_t kWords = (sizeof(Payload) + 7) / 8;
  static constexpr std::size_t kNoWay = kWays;
  static constexpr int kAttempts = 8;
  using Words = std::array<std::uint64_t, kWords>;

  struct alignas(64) Keys {
    std::array<Atom<std::uint64_t>, kWays> words;
  };
  struct Entry {
    Atom<std::uint64_t> tag;
    Atom<std::uint64_t> stamp;
    std::array<Atom<std::uint64_t>, kWords> words;
  };

  /// Where a put goes, with what it saw of the set.
  struct Choice {
    std::size_t way = kNoWay;
    std::array<std::uint64_t, kWays> tags{};
    std::array<bool, kWays> holds_key{};
  };

  static bool is_claimed(std::uint64_t tag) { return (tag & 1) != 0; }

  std::size_t set_of(std::uint64_t key) const { return set_at(static_cast<std::uint32_t>(key >> kRestBits)); }
  std::size_t set_at(std::uint32_t place) const {
    return static_cast<std::size_t>((std::uint64_t{place} * set_count_) >> kPlaceBits);
  }

  Entry& entry(std::size_t set, std::size_t way) const { return entries_[set * kWays + way]; }

  /// Reads a way that must hold `key`; none when it does not, or is being written.
  std::optional<std::uint64_t> read(std::size_t set, std::size_t way, std::uint64_t key, Words& words) const {
    const Entry& from = entry(set, way);
    const std::uint64_t tag = from.tag.load(std::memory_order_acquire);
    if (is_claimed(tag)) return std::nullopt;
    if (keys_[set].words[way].load(std::memory_order_acquire) != key) return std::nullopt;
    const std::uint64_t stamp = from.stamp.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < kWords; ++i) words[i] = from.words[i].load(std::memory_order_acquire);
    if (from.tag.load(std::memory_order_relaxed) != tag) return std::nullopt;
    return stamp;
  }

  /// Looks at the set: the way that holds the key, else an empty one, else the oldest; none that is claimed.
  /// What was read of a way is of its tag when a compare-exchange from that tag succeeds.
  Choice choose(std::size_t set, std::uint64_t key) const {
    enum Rank { kOldest, kEmpty, kSameKey };
    Choice choice;
    Rank best = kOldest;
    std::uint64_t best_stamp = 0;
    for (std::size_t way = 0; way < ways_; ++way) {
      const Entry& from = entry(set, way);
      choice.tags[way] = from.tag.load(std::memory_order_acquire);
      if (is_claimed(choice.tags[way])) continue;
      const std::uint64_t held = keys_[set].words[way].load(std::memory_order_acquire);
      const std::uint64_t stamp = from.stamp.load(std::memory_order_acquire);
      choice.holds_key[way] = held == key;
      const Rank rank = held == key ? kSameKey : held == 0 ? kEmpty : kOldest;
      if (choice.way != kNoWay && rank < best) continue;
      if (choice.way != kNoWay && rank == best && stamp >= best_stamp) continue;
      choice.way = way;
      best = rank;
      best_stamp = stamp;
    }
    return choice;
  }

  bool claim(std::size_t set, std::size_t way, std::uint64_t tag) {
    return entry(set, way).tag.compare_exchange_strong(tag, tag + 1, std::memory_order_acq_rel,
                                                       std::memory_order_relaxed);
  }

  void write(std::size_t set, std::size_t way, std::uint64_t tag, std::uint64_t key, const Payload& payload,
             std::uint64_t stamp) {
    Words words{};
    std::memcpy(words.data(), &payload, sizeof(Payload));
    Entry& to = entry(set, way);
    keys_[set].words[way].store(key, std::memory_order_release);
    to.stamp.store(stamp, std::memory_order_release);
    for (std::size_t i = 0; i < kWords; ++i) to.words[i].store(words[i], std::memory_order_release);
    to.tag.store(tag + 2, std::memory_order_release);
  }

  /// Empties a way if nobody has written it since its tag was seen.
  void erase(std::size_t set, std::size_t way, std::uint64_t tag) {
    if (!claim(set, way, tag)) return;
    keys_[set].words[way].store(0, std::memory_order_release);
    entry(set, way).stamp.store(0, std::memory_order_release);
    entry(set, way).tag.store(tag + 2, std::memory_order_release);
  }

  // constant after construction
  const std::size_t set_count_;
  const std::size_t ways_;  // of each set

  // own synchronization
  const std::unique_ptr<Keys[]> keys_;
  const std::unique_ptr<Entry[]> entries_;
};

}  // namespace ringtrace::pool
