#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace ringtrace::store_test {

/// What can go wrong in a history; each is counted, and one that never happened fails the run.
enum class Fault : std::uint8_t {
  kRequestLost,
  kReplyLost,
  kLateRequest,  ///< carried out after its sender had given it up, and perhaps sent it again
  kConnectionCut,
  kStall,
  kCutOff,  ///< one gateway cannot reach the store for a while
  kStoreFull,
  kStoreCrash,
  kTailLost,     ///< a crash that cost what was not synced
  kRenewalLost,  ///< and among it the extension of a lease
  kFailover,
  kFailoverLoss,  ///< the replica lacked something
  kStoreEmpty,
  kOldBooks,
  kGatewayKill,
  kKillInside,  ///< between two steps of one event
  kTornJournal,
  kGatewayEnd,
  kPause,
  kTakeover,
  kStaleWrite,  ///< refused by the fence
  kHeldBack,
  kBlind,
  kCount,
};

inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kCount);

inline constexpr std::array<const char*, kFaults> kFaultNames = {
    "requests lost",       "replies lost",        "late requests",  "connections cut", "stalls",
    "gateways cut off",    "store full",          "store crashes",  "tails lost",      "renewals lost",
    "failovers",           "failovers with loss", "store empty",    "old books",       "gateway kills",
    "kills inside a step", "torn journals",       "gateways ended", "pauses",          "takeovers",
    "stale writes",        "held back",           "blind starts",
};

class FaultCounts {
 public:
  void count(Fault fault) { ++counts_[static_cast<std::size_t>(fault)]; }
  std::uint64_t of(Fault fault) const { return counts_[static_cast<std::size_t>(fault)]; }
  void add(const FaultCounts& other) {
    for (std::size_t i = 0; i < kFaults; ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<std::uint64_t, kFaults> counts_{};
};

/// All chance of a history.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t sides) { return random_() % sides; }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  bool one_in(std::uint64_t sides) { return below(sides) == 0; }

 private:
  std::mt19937_64 random_;
};

}  // namespace ringtrace::store_test
