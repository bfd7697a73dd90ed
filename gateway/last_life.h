#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "pool/time.h"

namespace ringtrace::gateway {

/// What a gateway leaves behind for the next one about the numbers it has lent: one line of text in the state
/// directory, written anew every second and replaced as a whole. It survives `kill -9`; after a power cut it
/// may be some seconds old, or gone.
struct LastLife {
  pool::Time alive = pool::kNever;  ///< when it was written

  /// When the last lease known then, and its hold, will be over unless it is renewed.
  pool::Time bound_until = pool::kNever;

  /// The most leases acknowledged within one second, of the last ten.
  std::uint64_t leases_per_second = 0;

  /// What the store had forgotten that was not made good yet: 0 nothing, 1 some of its last writes, 2 more.
  int loss = 0;
  /// Until when what it had forgotten may be in use.
  pool::Time loss_until = pool::kNever;
  /// Numbers that were held back in one pool for that, at most: the next life finds them first in its free
  /// order, and behind them what was lent instead and may be forgotten, too.
  std::uint64_t held = 0;

  /// When the store last acknowledged a lease.
  pool::Time acknowledged = pool::kNever;
};

/// None when there is no such file, or it is garbled.
std::optional<LastLife> read_last_life(const std::filesystem::path& file);

/// False when the disk refuses it; the former file then stays.
bool write_last_life(const std::filesystem::path& file, const LastLife& life);

}  // namespace ringtrace::gateway
