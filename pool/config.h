#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pool/attribution.h"
#include "pool/number.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// What a visit gets when no number is free.
enum class OnExhausted : std::uint8_t {
  kFallback,  ///< the fallback number, its source's own where configured
  kRefuse,    ///< nothing: the site keeps showing its own number
};

/// What a lease needs before it is acknowledged.
enum class Durability : std::uint8_t {
  kAvailable,  ///< the store's word, or, when the store is away, memory alone (marked as not durable)
  kRequired,   ///< the store's word
};

/// A number bound to one source.
struct SourceNumber {
  Number number;
  Source source;
};

/// One pool, as configured. Checked by NumberPools::create.
struct PoolConfig {
  PoolName name;
  std::vector<Number> numbers;                 ///< lent to visits
  Duration ttl = std::chrono::minutes(30);     ///< of a lease, unless renewed; 1 s to 30 days
  Duration hold = std::chrono::seconds(150);   ///< floor between two holders of a number; 0 to 30 days
  Number fallback;                             ///< shown when exhausted; required for OnExhausted::kFallback
  std::vector<SourceNumber> source_fallbacks;  ///< shown instead of `fallback` to visits of that source
  std::vector<SourceNumber> static_numbers;    ///< never lent; a call to one is its source's
  OnExhausted on_exhausted = OnExhausted::kFallback;
  Durability durability = Durability::kAvailable;
  std::size_t valuable_reserve = 0;  ///< numbers kept for AdmissionClass::kValuable
  AttributionParameters attribution;
};

/// All pools of a gateway, and the sizes fixed at start.
struct PoolsConfig {
  std::vector<PoolConfig> pools;

  /// Secret of the keyed hashes (visit ids, callers); 16 bytes. Random at start when all zero.
  std::uint64_t hash_key[2] = {0, 0};

  /// Known callers remembered for ResolutionMethod::kReturningCaller; the oldest make room.
  std::size_t known_callers = 65'536;

  /// How long a caller is remembered.
  Duration caller_memory = std::chrono::hours(24 * 30);

  /// Bytes for visits' attributes kept in memory; beyond it only the store has them.
  std::size_t attribute_bytes = std::size_t{64} << 20;
};

}  // namespace ringtrace::pool
