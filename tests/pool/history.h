#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "pool/number.h"

namespace ringtrace::pool::testing {

/// One lease as its holder saw it, on a counter that every thread advances and that is the pool's clock, too:
/// it certainly held the number from `acquired` (taken after the pool's answer) to `released` (given to the
/// pool as the time of the release, or the lease's expiry).
struct HeldSpan {
  Number number;
  std::uint64_t visit = 0;
  std::uint64_t acquired = 0;
  std::uint64_t released = 0;
  std::uint64_t asked = 0;     ///< before `reserve` was called
  std::uint64_t returned = 0;  ///< after `release` returned; 0: it did not end so
  bool sticky = false;         ///< the visitor's former number: inside the hold, and out of order
  bool out_of_order = false;  ///< taken, or taken back, from where it rested, so that its entry stayed behind
  bool cancelled = false;     ///< a reservation that was given back: no hold follows, and it rests in front
  bool unsure = false;        ///< a lease that was over before its holder could note it
};

/// One call into the pool, of any kind.
struct CallSpan {
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
};

namespace history {

inline std::string tell(const std::string& what, const HeldSpan& a, const HeldSpan& b) {
  const auto one = [](const HeldSpan& span) {
    return "number " + span.number.to_string() + " visit " + std::to_string(span.visit) + " from " +
           std::to_string(span.acquired) + " to " + std::to_string(span.released);
  };
  return what + ": " + one(a) + "; " + one(b);
}

/// Two neighbours, by key and time, for which `wrong` holds.
template <typename Key, typename Wrong>
std::string find_pair(std::vector<HeldSpan>& spans, const std::string& what, Key key, Wrong wrong) {
  std::sort(spans.begin(), spans.end(), [&](const HeldSpan& a, const HeldSpan& b) {
    return key(a) != key(b) ? key(a) < key(b) : a.acquired < b.acquired;
  });
  for (std::size_t i = 1; i < spans.size(); ++i) {
    if (spans[i - 1].unsure || spans[i].unsure) continue;
    if (key(spans[i - 1]) == key(spans[i]) && wrong(spans[i - 1], spans[i])) {
      return tell(what, spans[i - 1], spans[i]);
    }
  }
  return "";
}

/// Of two numbers of which one certainly came to rest before the other, the other was certainly lent before
/// it. A call that was under way when the first came to rest may have it in hand (a thread that finishes
/// another's release), so that the first counts as resting when all such calls have ended.
inline std::string find_overtaking(const std::vector<HeldSpan>& by_number, std::vector<CallSpan> calls) {
  struct Rest {
    const HeldSpan* before;
    const HeldSpan* after;
  };
  // A lease that ran out before its holder had noted it stands behind those that followed it: when the first
  // of what stands behind a span, of its number, was asked for.
  std::vector<std::uint64_t> unsure_asked(by_number.size(), std::numeric_limits<std::uint64_t>::max());
  for (std::size_t i = by_number.size(); i-- > 1;) {
    const HeldSpan& span = by_number[i];
    if (by_number[i - 1].number != span.number) continue;
    unsure_asked[i - 1] = std::min(unsure_asked[i], span.unsure ? span.asked : unsure_asked[i]);
  }
  std::vector<Rest> rests;
  for (std::size_t i = 1; i < by_number.size(); ++i) {
    const HeldSpan& before = by_number[i - 1];
    const HeldSpan& after = by_number[i];
    if (before.number != after.number || before.returned == 0) continue;
    if (before.unsure || after.unsure || unsure_asked[i] < after.acquired) continue;
    if (before.out_of_order || after.sticky || after.out_of_order) continue;
    rests.push_back({&before, &after});
  }
  std::sort(rests.begin(), rests.end(),
            [](const Rest& a, const Rest& b) { return a.before->released < b.before->released; });
  // The rest, of those from here on, that was lent again first.
  std::vector<const Rest*> earliest(rests.size() + 1, nullptr);
  for (std::size_t i = rests.size(); i-- > 0;) {
    const Rest* const next = earliest[i + 1];
    earliest[i] = next != nullptr && next->after->acquired < rests[i].after->acquired ? next : &rests[i];
  }
  std::sort(calls.begin(), calls.end(),
            [](const CallSpan& a, const CallSpan& b) { return a.began < b.began; });
  std::vector<std::uint64_t> latest_end;  // of the calls up to here
  for (const CallSpan& call : calls) {
    latest_end.push_back(std::max(call.ended, latest_end.empty() ? 0 : latest_end.back()));
  }
  for (const Rest& rest : rests) {
    const auto begun =
        std::upper_bound(calls.begin(), calls.end(), rest.before->returned,
                         [](std::uint64_t at, const CallSpan& call) { return at < call.began; });
    const std::uint64_t under_way =
        begun == calls.begin() ? 0 : latest_end[static_cast<std::size_t>(begun - calls.begin()) - 1];
    const std::uint64_t rested = std::max(rest.before->returned, under_way);
    const auto later =
        std::upper_bound(rests.begin(), rests.end(), rested,
                         [](std::uint64_t at, const Rest& one) { return at < one.before->released; });
    const Rest* const first = earliest[static_cast<std::size_t>(later - rests.begin())];
    if (first != nullptr && first->after->acquired < rest.after->asked) {
      return tell("a number that rested later was lent earlier", *rest.before, *first->before);
    }
  }
  return "";
}

}  // namespace history

/// The first thing in a history that must not be, or an empty text. O(n log n).
///
/// - no two spans of one number overlap;
/// - there are at least `hold` counts between them, unless the second is sticky;
/// - no visit holds two numbers at one instant;
/// - numbers are lent in the order in which they came to rest, except those taken out of order.
inline std::string find_violation(std::vector<HeldSpan> spans, std::uint64_t hold,
                                  const std::vector<CallSpan>& calls = {}) {
  std::string wrong = history::find_pair(
      spans, "two numbers of a visit", [](const HeldSpan& span) { return span.visit; },
      [](const HeldSpan& a, const HeldSpan& b) { return b.acquired < a.released; });
  if (!wrong.empty()) return wrong;
  const auto number = [](const HeldSpan& span) { return span.number.digits(); };
  wrong = history::find_pair(spans, "two holders of a number", number,
                             [](const HeldSpan& a, const HeldSpan& b) { return b.acquired < a.released; });
  if (!wrong.empty()) return wrong;
  wrong = history::find_pair(spans, "a hold cut short", number, [&](const HeldSpan& a, const HeldSpan& b) {
    return !a.cancelled && !b.sticky && b.acquired < a.released + hold;
  });
  return wrong.empty() ? history::find_overtaking(spans, calls) : wrong;
}

}  // namespace ringtrace::pool::testing
