#pragma once

#include <cstdint>

namespace ringtrace::rpc {

/// The most erlangs a plan is made for; bounds the work of one.
inline constexpr double kMaxPlannedErlangs = 1'000'000;

/// The share of visits that find all of `numbers` taken when `erlangs` are offered (Erlang B, by the usual
/// recurrence B(n) = aB(n-1) / (n + aB(n-1))). `numbers` >= 0, `erlangs` >= 0.
double erlang_b(double erlangs, std::int32_t numbers);

/// The least count of numbers with which at most `blocked_share` of visits finds the pool exhausted.
/// 0 <= erlangs <= kMaxPlannedErlangs and 0 < blocked_share < 1.
std::int32_t numbers_needed(double erlangs, double blocked_share);

}  // namespace ringtrace::rpc
