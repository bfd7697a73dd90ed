#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/lease_store.h"
#include "redis/command.h"

namespace ringtrace::redis {

/// One write as the function library takes it: what is not shared by all of a call.
struct LeaseStep {
  std::string pool;
  std::string_view kind;
  std::uint64_t block = 0;
  std::uint64_t number = 0;
  std::uint64_t visit = 0;  ///< its word in the index, see visit_bits
  Arguments arguments;      ///< without its kind
  pool::Time now = pool::kNever;
  pool::Time asked = pool::kNever;  ///< the end that is to be stored
  pool::Duration hold{};
  pool::LeaseStore::Done done;

  pool::StoreReply as_asked() const { return {pool::StoreStatus::kDone, pool::Number(), asked, {}}; }
};
using LeaseSteps = std::vector<LeaseStep>;

/// The call that carries steps out, which lie together by block and kind, and are of one pool. See
/// write_leases in functions_leases.lua.
Command lease_call(const std::string& pool, std::string_view token, const LeaseSteps& steps,
                   std::chrono::milliseconds retention);

}  // namespace ringtrace::redis
