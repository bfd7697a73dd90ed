#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "pool/assert.h"
#include "pool/big_array.h"
#include "pool/number_pools.h"
#include "pool/siphash.h"
#include "pool/text_words.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// The source labels of all pools as 16-bit ids, and how often each was shown. A label gets its id when it
/// first comes and keeps it until the end of the process: labels are few, and made-up ones must not fill
/// memory.
///
/// Id 0 is the empty label, ids 1 to the number of pools their "(other)", in order; further ids go to further
/// labels as they come. A label that comes when all ids are given, or finds none of kProbes cells, is
/// "(other)" of its pool, for ever.
///
/// An entry for each id is a name word, eight words of text and a count:
///
///     name: known (1 bit) | pool (15 bits) | bytes (8 bits)
///
/// and the index finds entries, by open addressing with linear probing: a cell is 0 (empty) or
///
///     the high 48 bits of the keyed hash | id (16 bits)
///
/// Invariants
///  I1  An entry is written by the one thread that drew its id, before any cell has the id, and never again.
///      Kept by the fetch_add that draws ids and by publishing with a compare-exchange (release).
///  I2  A cell goes from empty to an id once and stays. A label's cells are tried in one order and the first
///      empty one is taken, so that no label has two ids: of two threads that bring it at once, one finds the
///      cell taken and reads the other's id there.
///
/// Ordering: who loads an id from a cell (acquire) sees its entry; who was handed an id or walks over all of
/// them loads the name word (acquire) first, stored last. Counts are relaxed: exact in the end, in no order
/// before. Progress: wait-free. A stopped thread costs nobody anything.
///
/// Limits: 65,535 ids, kMaxPools pools, labels cut after 64 bytes. Disadvantages: an id is never given back;
/// two threads that bring one new label at once use up two; all threads that count one label meet on one
/// word; the hash that places labels is keyed but not proven (placing_hash): a site that could aim its labels
/// would only find them counted as "(other)" earlier.
template <template <class> class Atom = std::atomic>
class SourceBook {
 public:
  static constexpr std::size_t kMaxPools = 32'767;
  static constexpr std::size_t kMaxIds = 65'535;

  /// A book for pools 0 to `pools` - 1, at most kMaxPools, with `ids` ids for labels, "(other)" among them;
  /// at least one for each pool and at most kMaxIds.
  SourceBook(const SipKey& key, std::size_t pools, std::size_t ids = kMaxIds)
      : key_(key),
        pool_count_(pools),
        id_count_(std::clamp(ids, pools, kMaxIds)),
        cell_count_(std::bit_ceil(2 * id_count_ + kProbes)),
        cells_(cell_count_),
        names_(id_count_ + 1),
        texts_(id_count_ + 1),
        counts_(id_count_ + 1),
        unlabelled_(std::make_unique<Atom<std::uint64_t>[]>(pools)) {
    RINGTRACE_ASSERT(pools <= kMaxPools);
    for (std::size_t pool = 0; pool < pools; ++pool) unlabelled_[pool].store(0, std::memory_order_relaxed);
    next_.store(1, std::memory_order_relaxed);
    for (std::uint32_t pool = 0; pool < pools; ++pool) intern(pool, kOther);
  }

  SourceBook(const SourceBook&) = delete;
  SourceBook& operator=(const SourceBook&) = delete;

  /// The id of the pool's label, new when the label is; that of the pool's "(other)" when it has none and
  /// cannot get one. `pool` must be one of the book's.
  std::uint16_t intern(std::uint32_t pool, std::string_view label) {
    RINGTRACE_ASSERT(pool < pool_count_);
    if (label.empty()) return 0;
    label = label.substr(0, Source::kMaxBytes);
    const std::uint32_t name = name_of(pool, label.size());
    Words words;
    std::size_t used = 0;
    for (; used < label.size() / 8; ++used) words[used] = load_word(label.data() + 8 * used);
    if (label.size() % 8 != 0) words[used++] = load_tail(label);
    PlacingHash placing({key_.k0 ^ pool, key_.k1}, label.size() * PlacingHash::kOdd);  // as placing_hash
    for (std::size_t i = 0; i < used; ++i) placing.add(words[i]);
    const std::uint64_t hash = placing.value();
    std::uint16_t drawn = 0;
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
      Atom<std::uint64_t>& cell = cells_[(hash + probe) & (cell_count_ - 1)];
      std::uint64_t seen = cell.load(std::memory_order_acquire);
      if (seen == 0) {
        if (drawn == 0) drawn = draw(name, {words, used});
        if (drawn == 0) return other_of(pool);
        const std::uint64_t mine = (hash & ~kIdMask) | drawn;
        if (cell.compare_exchange_strong(seen, mine, std::memory_order_acq_rel, std::memory_order_acquire)) {
          return drawn;
        }
      }
      const auto id = static_cast<std::uint16_t>(seen & kIdMask);
      if (((seen ^ hash) & ~kIdMask) == 0 && is(id, name, {words, used})) return id;
    }
    return other_of(pool);
  }

  /// The label of an id that intern returned; empty for others.
  Source label(std::uint16_t id) const {
    Source label;
    read_label(id, label);
    return label;
  }
  /// The same, into `label` and all of `twins`.
  template <typename... Twins>
  void read_label(std::uint16_t id, Source& label, Twins&... twins) const {
    const std::uint32_t name = id <= id_count_ ? names_[id].load(std::memory_order_acquire) : 0;
    read_text(id, (name & kKnown) != 0 ? name : 0, label, twins...);
  }

  /// One more shown by the pool under an id that intern returned for it.
  void count(std::uint32_t pool, std::uint16_t id) {
    RINGTRACE_ASSERT(pool < pool_count_ && id <= id_count_);
    (id == 0 ? unlabelled_[pool] : counts_[id]).fetch_add(1, std::memory_order_relaxed);
  }

  /// The pool's counts above 0, at most `out.size()`: the empty label's first, then in the order the labels
  /// came,
  /// "(other)" last. Returns how many. Looks at every id given.
  std::size_t read(std::uint32_t pool, std::span<ShownCount> out) const {
    RINGTRACE_ASSERT(pool < pool_count_);
    std::size_t written = 0;
    const auto add = [&](const Source& source, const Atom<std::uint64_t>& count) {
      const std::uint64_t shown = count.load(std::memory_order_relaxed);
      if (shown > 0 && written < out.size()) out[written++] = {source, shown};
    };
    add(Source(), unlabelled_[pool]);
    const std::size_t end = std::min<std::size_t>(next_.load(std::memory_order_acquire), id_count_ + 1);
    for (std::size_t id = pool_count_ + 1; id < end; ++id) {
      const std::uint32_t name = names_[id].load(std::memory_order_acquire);
      if ((name & ~kBytesMask) == name_of(pool, 0)) add(text(id, name), counts_[id]);
    }
    add(Source::cut(kOther), counts_[other_of(pool)]);
    return written;
  }

  std::size_t memory_bytes() const {
    return cell_count_ * sizeof(cells_[0]) +
           (id_count_ + 1) * (sizeof(names_[0]) + sizeof(Text) + sizeof(counts_[0])) +
           pool_count_ * sizeof(unlabelled_[0]) + sizeof(*this);
  }

 private:
  static constexpr std::string_view kOther = "(other)";
  static constexpr std::size_t kProbes = 32;
  static constexpr std::uint64_t kIdMask = 0xFFFF;
  static constexpr std::uint32_t kKnown = std::uint32_t{1} << 31;
  static constexpr std::uint32_t kBytesMask = 0xFF;

  struct Text {
    Atom<std::uint64_t> words[Source::kMaxBytes / 8];
  };
  using Words = std::uint64_t[Source::kMaxBytes / 8];

  static std::uint32_t name_of(std::uint32_t pool, std::size_t bytes) {
    return kKnown | pool << 8 | static_cast<std::uint32_t>(bytes);
  }
  static std::uint16_t other_of(std::uint32_t pool) { return static_cast<std::uint16_t>(pool + 1); }

  /// A new id with its entry written, not yet in the index; 0 when all are given.
  [[gnu::noinline]] std::uint16_t draw(std::uint32_t name, std::span<const std::uint64_t> label) {
    if (next_.load(std::memory_order_relaxed) > id_count_) return 0;  // else the count would grow without end
    const std::uint64_t id = next_.fetch_add(1, std::memory_order_relaxed);
    if (id > id_count_) return 0;
    for (std::size_t i = 0; i < label.size(); ++i) {
      texts_[id].words[i].store(label[i], std::memory_order_relaxed);
    }
    names_[id].store(name, std::memory_order_release);
    return static_cast<std::uint16_t>(id);
  }

  /// Whether the id is that pool's and label's.
  bool is(std::uint16_t id, std::uint32_t name, std::span<const std::uint64_t> label) const {
    if (names_[id].load(std::memory_order_acquire) != name) return false;
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < label.size(); ++i) {
      difference |= label[i] ^ texts_[id].words[i].load(std::memory_order_relaxed);
    }
    return difference == 0;
  }

  template <typename... Twins>
  void read_text(std::size_t id, std::uint32_t name, Source& text, Twins&... twins) const {
    const Atom<std::uint64_t>* const words = texts_[id].words;
    text.set_words_of(
        name & kBytesMask, [words](std::size_t i) { return words[i].load(std::memory_order_relaxed); },
        twins...);
  }
  Source text(std::size_t id, std::uint32_t name) const {
    Source text;
    read_text(id, name, text);
    return text;
  }

  // constant after construction
  const SipKey key_;
  const std::size_t pool_count_;
  const std::size_t id_count_;
  const std::size_t cell_count_;  // a power of two

  // own synchronization
  const BigArray<Atom<std::uint64_t>> cells_;
  const BigArray<Atom<std::uint32_t>> names_;  // by id, as texts_ and counts_
  const BigArray<Text> texts_;
  const BigArray<Atom<std::uint64_t>> counts_;
  const std::unique_ptr<Atom<std::uint64_t>[]> unlabelled_;  // by pool: shown with the empty label
  alignas(64) Atom<std::uint64_t> next_;                     // the next id, or beyond the last
};

}  // namespace ringtrace::pool
