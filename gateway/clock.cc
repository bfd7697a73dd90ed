#include "gateway/clock.h"

namespace ringtrace::gateway {
namespace {

pool::Time civil_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

SteadyClock::SteadyClock() : SteadyClock(civil_now(), std::chrono::steady_clock::now()) {}

SteadyClock::SteadyClock(pool::Time civil, std::chrono::steady_clock::time_point steady)
    : civil_(civil), steady_(steady) {}

pool::Time SteadyClock::now() const { return at(std::chrono::steady_clock::now()); }

pool::Time SteadyClock::at(std::chrono::steady_clock::time_point steady) const {
  return civil_ + std::chrono::floor<std::chrono::milliseconds>(steady - steady_);
}

std::chrono::milliseconds SteadyClock::offset() const { return civil_now() - now(); }

}  // namespace ringtrace::gateway
