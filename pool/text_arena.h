#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pool/visit.h"

namespace ringtrace::pool {

/// The visitor ids and attributes of the latest visits, in a fixed number of chunks of 256 bytes. A ring: the
/// newest texts take the chunks of the oldest, so that what memory lacks is always what is longest ago. The
/// store has them all.
///
/// A chunk is a header word and 31 words of a put's content. A put takes as many positions as it needs chunks
/// with one fetch_add; position p lies in chunk p mod chunks. The header is
///
///     position (62) | state (2): 0 never used, 1 being written, 2 written, a put's first, 3 written
///
/// and the content, over the chunks of a put, two words that name the owner and the sizes, then the texts.
///
/// Invariants
///  I1  A position belongs to one put for ever: kept by the fetch_add; at a million chunks a second the
///      positions last 146,000 years.
///  I2  The position in a header never goes down, so that a late put cannot take the place of a newer one.
///      Kept by the comparison before the compare-exchange that claims.
///  I3  Only the put that claimed a chunk writes it, until it says "written": nobody claims a chunk that is
///      being written.
///  I4  A text is returned only when the headers of all its chunks said "written" with the positions p,
///      p + 1, ... before and after their content was read, the first of them as a put's first, and the
///      content there names the asking owner. By I1 and I3 the content is then of one put, whole, and that
///      owner's: whatever the handle once meant, and whatever a text of another looks like.
///
/// Ordering: content is stored with release after the claim and loaded with acquire before the header is
/// looked at again, so that a reader who saw a word of a newer put sees its claim too. No fences.
/// Linearization points: a put exists from the store that says "written" in its last chunk; it is gone with
/// the first claim of one of its chunks.
/// Progress: readers are wait-free. A put is lock-free and gives up after kAttempts ranges of chunks. A
/// thread stopped inside a put keeps one chunk, at most, until it goes on; others pass over the chunk by
/// taking later positions, and what they had written before it in the ring is lost room for one round.
///
/// Limits: attributes of 2,048 bytes and visitors of 128; 2^32 - 2 chunks. Disadvantages: a text uses whole
/// chunks; the room is shared by all pools, so a busy pool shortens what is remembered of a quiet one; the
/// texts of a lease that is renewed for long are not moved up and may go before those of a shorter one.
template <template <class> class Atom = std::atomic>
class TextArena {
 public:
  static constexpr std::size_t kChunkBytes = 256;

  /// Whose texts these are: a lease. No two leases of a slot have the same generation.
  struct Owner {
    std::uint32_t slot = 0;
    std::uint64_t generation = 0;
  };

  /// An arena of `bytes`, less what is no whole chunk. One of no chunk keeps nothing.
  explicit TextArena(std::size_t bytes)
      : chunk_count_(std::min<std::size_t>(bytes / kChunkBytes, 0xFFFF'FFFE)),
        chunks_(std::make_unique<Chunk[]>(chunk_count_)) {
    for (std::size_t i = 0; i < chunk_count_; ++i) {
      chunks_[i].header.store(0, std::memory_order_relaxed);
      for (auto& word : chunks_[i].words) word.store(0, std::memory_order_relaxed);
    }
    next_.store(0, std::memory_order_relaxed);
  }

  TextArena(const TextArena&) = delete;
  TextArena& operator=(const TextArena&) = delete;

  /// Keeps both texts for `owner` and returns where. 0 when nothing is kept: both are empty, one is larger
  /// than its limit or both than the arena, or other threads hold the chunks it came upon.
  std::uint32_t put(const Owner& owner, std::string_view visitor, std::string_view attributes) {
    if (visitor.empty() && attributes.empty()) return 0;
    if (visitor.size() > VisitorId::kMaxBytes || attributes.size() > kMaxAttributesBytes) return 0;
    Content content;
    const std::size_t words = kNamingWords + words_for(visitor.size() + attributes.size());
    content[words - 1] = 0;  // what the texts leave of it
    content[0] = std::uint64_t{owner.slot} << 32 | visitor.size() << 16 | attributes.size();
    content[1] = owner.generation;
    char* const text = reinterpret_cast<char*>(content.data() + kNamingWords);
    std::memcpy(text, visitor.data(), visitor.size());
    std::memcpy(text + visitor.size(), attributes.data(), attributes.size());

    const std::size_t count = chunks_for(words);
    if (count > chunk_count_) return 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const std::uint64_t first = next_.fetch_add(count, std::memory_order_relaxed);
      if (write(first, content, words)) return static_cast<std::uint32_t>(first % chunk_count_ + 1);
    }
    return 0;
  }

  /// The attributes kept for `owner` under `handle`, empty when it brought none; none when they are gone.
  std::optional<std::string> attributes(std::uint32_t handle, const Owner& owner) const {
    Content content;
    const auto sizes = read(handle, owner, content, true);
    if (!sizes) return std::nullopt;
    const char* const text = reinterpret_cast<const char*>(content.data() + kNamingWords);
    return std::string(text + sizes->visitor, sizes->attributes);
  }

  /// The visitor kept for `owner` under `handle`, empty when it brought none; none when it is gone. Does not
  /// allocate.
  std::optional<VisitorId> visitor(std::uint32_t handle, const Owner& owner) const {
    Content content;
    const auto sizes = read(handle, owner, content, false);
    if (!sizes) return std::nullopt;
    const char* const text = reinterpret_cast<const char*>(content.data() + kNamingWords);
    return VisitorId::cut({text, sizes->visitor});
  }

  std::size_t memory_bytes() const { return chunk_count_ * sizeof(Chunk) + sizeof(*this); }

 private:
  static constexpr std::size_t kWords = kChunkBytes / sizeof(std::uint64_t) - 1;
  static constexpr std::size_t kNamingWords = 2;
  static constexpr int kAttempts = 8;

  struct alignas(64) Chunk {
    Atom<std::uint64_t> header;
    std::array<Atom<std::uint64_t>, kWords> words;
  };
  static_assert(sizeof(Chunk) == kChunkBytes);

  enum State : std::uint64_t { kNeverUsed = 0, kWriting = 1, kFirst = 2, kFurther = 3 };

  struct Sizes {
    std::size_t visitor = 0;
    std::size_t attributes = 0;
  };

  static constexpr std::size_t words_for(std::size_t bytes) { return (bytes + 7) / 8; }
  static constexpr std::size_t chunks_for(std::size_t words) { return (words + kWords - 1) / kWords; }

  static constexpr std::size_t kMostWords =
      kNamingWords + words_for(VisitorId::kMaxBytes + kMaxAttributesBytes);
  using Content = std::array<std::uint64_t, kMostWords>;
  static_assert(kNamingWords + words_for(VisitorId::kMaxBytes) <= kWords,
                "the visitor is in the first chunk");

  static std::uint64_t header(std::uint64_t position, State state) { return position << 2 | state; }
  static std::uint64_t position_in(std::uint64_t header) { return header >> 2; }
  static bool is(State state, std::uint64_t header) { return (header & 3) == state; }

  Chunk& chunk_at(std::uint64_t position) const {
    return chunks_[static_cast<std::size_t>(position % chunk_count_)];
  }

  /// Takes the chunk for the position; false when somebody writes it or has newer texts there.
  bool claim(Chunk& chunk, std::uint64_t position) {
    std::uint64_t seen = chunk.header.load(std::memory_order_relaxed);
    for (;;) {
      if (is(kWriting, seen) || position_in(seen) > position) return false;
      if (chunk.header.compare_exchange_strong(seen, header(position, kWriting), std::memory_order_acq_rel,
                                               std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  /// Writes the content into the chunks from `first` on, one after another; false when one was not to be had.
  bool write(std::uint64_t first, const Content& content, std::size_t words) {
    State written = kFirst;
    for (std::size_t from = 0; from < words; from += kWords, ++first) {
      Chunk& chunk = chunk_at(first);
      if (!claim(chunk, first)) return false;
      const std::size_t count = std::min(kWords, words - from);
      for (std::size_t i = 0; i < count; ++i) {
        chunk.words[i].store(content[from + i], std::memory_order_release);
      }
      chunk.header.store(header(first, written), std::memory_order_release);
      written = kFurther;
    }
    return true;
  }

  /// Reads `count` words of the chunk whose header must be and stay the expected one.
  bool read_chunk(std::uint64_t expected, std::uint64_t* words, std::size_t count) const {
    const Chunk& chunk = chunk_at(position_in(expected));
    if (chunk.header.load(std::memory_order_acquire) != expected) return false;
    for (std::size_t i = 0; i < count; ++i) words[i] = chunk.words[i].load(std::memory_order_acquire);
    return chunk.header.load(std::memory_order_relaxed) == expected;
  }

  /// Reads the content under the handle, as far as the visitor goes or `whole`, and returns the sizes of its
  /// texts; none when it is not, or no more, the owner's.
  std::optional<Sizes> read(std::uint32_t handle, const Owner& owner, Content& content, bool whole) const {
    if (handle == 0 || handle > chunk_count_) return std::nullopt;
    std::uint64_t expected = chunks_[handle - 1].header.load(std::memory_order_acquire);
    if (!is(kFirst, expected) || !read_chunk(expected, content.data(), kNamingWords)) return std::nullopt;
    if (content[0] >> 32 != owner.slot || content[1] != owner.generation) return std::nullopt;

    const Sizes sizes{content[0] >> 16 & 0xFFFF, content[0] & 0xFFFF};
    const std::size_t words = kNamingWords + words_for(sizes.visitor + (whole ? sizes.attributes : 0));
    for (std::size_t from = 0; from < words; from += kWords) {
      if (!read_chunk(expected, content.data() + from, std::min(kWords, words - from))) return std::nullopt;
      expected = header(position_in(expected) + 1, kFurther);
    }
    return sizes;
  }

  // constant after construction
  const std::size_t chunk_count_;
  const std::unique_ptr<Chunk[]> chunks_;

  // own synchronization
  alignas(64) Atom<std::uint64_t> next_;
};

}  // namespace ringtrace::pool
