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
};

/// None when there is no such file, or it is garbled.
std::optional<LastLife> read_last_life(const std::filesystem::path& file);

/// False when the disk refuses it; the former file then stays.
bool write_last_life(const std::filesystem::path& file, const LastLife& life);

}  // namespace ringtrace::gateway
