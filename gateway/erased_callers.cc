#include "gateway/erased_callers.h"

#include <algorithm>
#include <random>

#include "proto/from_pool.h"
#include "redis/call_persons.h"

namespace ringtrace::gateway {
namespace {

pool::SipKey random_key() {
  std::random_device random;
  const auto word = [&random] { return (std::uint64_t{random()} << 32) | random(); };
  return {word(), word()};
}

}  // namespace

ErasedCallers::ErasedCallers() : key_(random_key()) {}

void ErasedCallers::note(std::string_view caller, pool::Time at) {
  const std::uint64_t hash = pool::siphash(key_, caller);
  const std::lock_guard lock(mutex_);
  std::erase_if(erased_, [&](const Erased& known) { return known.caller == hash; });
  if (erased_.size() >= kMost) erased_.pop_front();
  erased_.push_back({hash, at});
  any_.store(true, std::memory_order_release);
}

bool ErasedCallers::redact(v1::CallEvent& event) const {
  const v1::Call& call = event.call();
  if (!any() || (call.caller().empty() && call.forwarded_from().empty())) return false;
  const std::uint64_t caller = pool::siphash(key_, call.caller());
  const std::uint64_t forwarder = pool::siphash(key_, call.forwarded_from());
  {
    const std::lock_guard lock(mutex_);
    const pool::Time start = from_timestamp(call.start_time());
    const bool erased = std::any_of(erased_.begin(), erased_.end(), [&](const Erased& known) {
      return (known.caller == caller || known.caller == forwarder) && start <= known.at;
    });
    if (!erased) return false;
  }
  static_cast<void>(redis::take_persons(event));
  return true;
}

}  // namespace ringtrace::gateway
