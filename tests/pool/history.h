#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pool/number.h"

namespace ringtrace::pool::testing {

/// One lease as its holder saw it, on a counter that every thread advances: it certainly held the number from
/// `acquired` (taken after the pool's answer) to `released` (taken before the pool was asked to end it).
struct HeldSpan {
  Number number;
  std::uint64_t visit = 0;
  std::uint64_t acquired = 0;
  std::uint64_t released = 0;
};

/// The first thing in a history that must not be, or an empty text. O(n log n).
///
/// - no two spans of one number overlap, and there are at least `gap` counts between them;
/// - no visit holds two numbers at one instant.
inline std::string find_violation(std::vector<HeldSpan> history, std::uint64_t gap) {
  const auto check = [&](auto key, std::uint64_t least_gap, const std::string& what) -> std::string {
    std::sort(history.begin(), history.end(), [&](const HeldSpan& a, const HeldSpan& b) {
      return key(a) != key(b) ? key(a) < key(b) : a.acquired < b.acquired;
    });
    for (std::size_t i = 1; i < history.size(); ++i) {
      const HeldSpan& before = history[i - 1];
      const HeldSpan& after = history[i];
      if (key(before) == key(after) && after.acquired < before.released + least_gap) {
        return what + ": number " + before.number.to_string() + " visit " + std::to_string(before.visit) +
               " until " + std::to_string(before.released) + ", number " + after.number.to_string() +
               " visit " + std::to_string(after.visit) + " from " + std::to_string(after.acquired);
      }
    }
    return "";
  };
  const std::string shared =
      check([](const HeldSpan& span) { return span.number.digits(); }, gap, "two holders of a number");
  return !shared.empty()
             ? shared
             : check([](const HeldSpan& span) { return span.visit; }, 0, "two numbers of a visit");
}

}  // namespace ringtrace::pool::testing
