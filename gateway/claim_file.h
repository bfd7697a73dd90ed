#pragma once

#include <string>
#include <vector>

#include "redis/claims.h"

namespace ringtrace::gateway {

/// What this gateway's processes tell one another of the pools they claimed, in a file of the state
/// directory: one line a pool, "POOL COUNTER WRITES". Without a state directory nothing is remembered.
class ClaimFile {
 public:
  /// `state_directory` may be empty.
  explicit ClaimFile(const std::string& state_directory);

  /// What an earlier process wrote; nothing when there is no file, and lines that cannot be read are left
  /// out.
  std::vector<redis::ClaimMemory> read() const;

  /// Replaces the file as a whole, unless it says so already. False when that fails; the old one stays then.
  bool write(const std::vector<redis::ClaimMemory>& memories);

 private:
  std::string path_;                         ///< empty: none
  std::vector<redis::ClaimMemory> written_;  ///< by this process
};

}  // namespace ringtrace::gateway
