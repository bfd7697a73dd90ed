#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "pool/number.h"

namespace ringtrace::rpc {

/// The ways people write one phone number; see ringtrace.v1.NumberFormats.
struct NumberTexts {
  std::string national;
  std::string international;
  std::string uri;
  bool operator==(const NumberTexts&) const = default;
};

/// Writes numbers as people do, by the numbering plans of libphonenumber.
///
/// A plan is asked twice for a thousand neighbouring numbers: they are written alike but for their last three
/// digits, so a pool of a million numbers from a carrier's ranges takes two thousand questions (some 50 us
/// each) and then a copy of three texts. Where a plan does not write the last three digits last, or knows the
/// neighbours apart, and for every number of fewer than ten digits, the number is asked for by itself. At
/// most kMaxBlocks thousands are remembered (about 20 MB); beyond it another one is forgotten. Any thread may
/// call; a lock is held for a look-up, never while a plan is asked.
class NumberFormats {
 public:
  static constexpr std::size_t kMaxBlocks = 65'536;

  NumberFormats();

  /// The texts of the number. Without a plan that knows it: its E.164 form, and "tel:" before it.
  NumberTexts of(pool::Number number);

  /// How often a plan was asked.
  std::uint64_t plans_asked() const { return plans_asked_.load(std::memory_order_relaxed); }

 private:
  using Texts = std::shared_ptr<const NumberTexts>;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Texts> blocks;  // null: its numbers have to be asked for one by one
  };
  static constexpr std::size_t kShards = 16;

  Shard& shard_of(std::uint64_t block) { return shards_[block % kShards]; }
  NumberTexts ask(pool::Number number);

  std::array<Shard, kShards> shards_;
  std::atomic<std::uint64_t> plans_asked_{0};
};

/// Asks the numbering plan for one number.
NumberTexts ask_numbering_plan(pool::Number number);

}  // namespace ringtrace::rpc
