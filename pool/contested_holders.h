#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/resolution.h"
#include "pool/siphash.h"
#include "pool/tagged_table.h"

namespace ringtrace::pool {

/// The other holder of a number that memory and store have lent to two visits: memory's own records are in
/// the slot, the store's is kept here, so that a call lists both. At most kMost numbers; the oldest lease
/// makes room. Lock-free: what TaggedTable says of progress and limits holds here.
template <template <class> class Atom>
class ContestedHolders {
 public:
  static constexpr std::size_t kMost = 1024;

  explicit ContestedHolders(const SipKey& key) : key_(key), table_(kMost) {}

  std::optional<Candidate> find(std::uint32_t slot) const {
    Candidate holder;
    if (!table_.find(key_of(slot), holder)) return std::nullopt;
    return holder;
  }

  void put(std::uint32_t slot, const Candidate& holder) {
    table_.put(key_of(slot), holder, static_cast<std::uint64_t>(holder.shown.time_since_epoch().count()));
  }

  std::size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  std::uint64_t key_of(std::uint32_t slot) const { return siphash(key_, slot, 0) | 1; }

  const SipKey key_;
  TaggedTable<Candidate, Atom> table_;
};

}  // namespace ringtrace::pool
