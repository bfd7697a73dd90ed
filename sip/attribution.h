#pragma once

#include <ringtrace/v1/resolution.pb.h>

#include "pool/number_pools.h"

namespace ringtrace::sip {

/// Who calls? The proxy's question to the pools. Called on the SIP thread for each new call; must not block.
class Attribution {
 public:
  virtual ~Attribution() = default;

  /// `dialed` or `caller` without digits: no number, or withheld.
  virtual v1::Resolution attribute(const pool::ResolveQuery& query) = 0;

  /// True for a number of a pool: one that is lent, static, or a fallback.
  virtual bool knows(pool::Number number) const = 0;
};

/// Asks the pools in memory, and teaches them the caller.
class PoolAttribution final : public Attribution {
 public:
  /// `pools` outlives it.
  explicit PoolAttribution(pool::NumberPools& pools) : pools_(pools) {}

  v1::Resolution attribute(const pool::ResolveQuery& query) override;
  bool knows(pool::Number number) const override;

 private:
  pool::NumberPools& pools_;
};

}  // namespace ringtrace::sip
