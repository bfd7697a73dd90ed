#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/number_pools.h"
#include "redis/loaded_lease.h"

namespace ringtrace::gateway {

/// Leases read from the store, packed: their texts in one run of bytes, and beside them the order in which
/// they ended or will end. One thread at a time.
class LeaseArena {
 public:
  void add(const redis::LoadedLease& lease);

  /// Puts those that end first first.
  void sort();

  std::size_t size() const { return order_.size(); }

  /// The i-th lease; its texts lie in the arena.
  pool::StoredLease at(std::size_t i) const;

  void clear();
  std::size_t bytes() const { return bytes_.capacity() + order_.capacity() * sizeof(Place); }

 private:
  struct Place {
    std::int64_t end;
    std::size_t offset;
  };

  std::vector<char> bytes_;
  std::vector<Place> order_;
};

}  // namespace ringtrace::gateway
