#include "pool/resolve.h"

#include <algorithm>
#include <span>

namespace ringtrace::pool {
namespace {

void answer_with(const Candidate& candidate, ResolutionMethod method, Resolution& answer) {
  answer.method = method;
  answer.visit.copy_words(candidate.visit);
  answer.source.copy_words(candidate.source);
  answer.confidence = candidate.weight;
}

/// The caller's own earlier visit answers, as sure as it was learnt; the number's holders are listed as
/// candidates of no weight.
void answer_known(const KnownCaller& known, std::span<const Candidate> holders, Resolution& answer) {
  Candidate own = known.visit;
  std::array<Candidate, kMaxCandidates> listed;
  std::size_t count = 0;
  listed[count++] = own;
  for (const Candidate& holder : holders) {
    if (count == listed.size() || holder.visit == own.visit) continue;
    listed[count] = holder;
    listed[count++].weight = 0;
  }
  std::copy_n(listed.begin(), count, answer.candidate_storage.begin());
  answer.candidate_count = count;
  answer.none_weight = 1 - own.weight;
  answer_with(own, ResolutionMethod::kReturningCaller, answer);
}

}  // namespace

void resolve_lent(const LagWeights& weights, Duration hold, const KnownCaller* known, std::uint64_t visitor,
                  Time at, Resolution& answer) {
  const std::span<Candidate> holders(answer.candidate_storage.data(), answer.candidate_count);
  if (holders.empty() && known == nullptr) return;
  const Time last_shown = holders.empty() ? kNever : holders.front().shown;
  const Time last_end = holders.empty() ? kNever : holders.front().end;
  const bool active = at < last_end;
  const bool held = at < last_end + hold;
  bool own = false;
  if (known != nullptr && !holders.empty()) {
    own = known->visit.visit == holders.front().visit || (visitor != 0 && known->visitor == visitor);
  }
  answer.none_weight = weights.weigh(at, holders);
  if (known != nullptr && (!own || !held)) return answer_known(*known, holders, answer);

  // The last holder's place among the weighed: two leases of one number do not begin and end at once.
  std::size_t last = 0;
  while (holders[last].shown != last_shown || holders[last].end != last_end) ++last;
  if (active) return answer_with(holders[last], ResolutionMethod::kActiveLease, answer);
  if (held) return answer_with(holders[last], ResolutionMethod::kHold, answer);
  answer_with(holders.front(), last == 0 ? ResolutionMethod::kHold : ResolutionMethod::kHolderLog, answer);
}

}  // namespace ringtrace::pool
