#include "sip/rate_limiter.h"

#include <algorithm>

namespace ringtrace::sip {
namespace {

constexpr std::chrono::seconds kSweepInterval{1};

}  // namespace

RateLimiter::RateLimiter(std::uint32_t per_second, std::uint32_t burst) {
  if (per_second == 0) return;
  spacing_ = std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second;
  tolerance_ = spacing_ * (std::max(burst, 1u) - 1);
}

bool RateLimiter::admit(std::uint64_t key, SteadyTime now) {
  if (spacing_ == std::chrono::nanoseconds{0}) return true;
  const auto found = next_.find(key);
  if (found == next_.end()) {
    if (next_.size() >= kMaximumKeys) forget_quiet(now);
    if (next_.size() < kMaximumKeys) next_.emplace(key, now + spacing_);
    return true;
  }
  if (found->second > now + tolerance_) return false;
  found->second = std::max(found->second, now) + spacing_;
  return true;
}

void RateLimiter::forget_quiet(SteadyTime now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + kSweepInterval;
  std::erase_if(next_, [now](const auto& entry) { return entry.second <= now; });
}

}  // namespace ringtrace::sip
