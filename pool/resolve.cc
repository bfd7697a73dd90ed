#include "pool/resolve.h"

#include <algorithm>
#include <span>

namespace ringtrace::pool {
namespace {

/// Lists who was shown the number by `at`, the last holder first.
std::size_t list_holders(const Slot& slot, Time at, std::span<Candidate> out) {
  std::size_t count = 0;
  const auto add = [&](const Candidate& candidate) {
    if (candidate.shown <= at && candidate.end + kLongestLag > at && !candidate.visit.empty()) {
      out[count++] = candidate;
    }
  };
  if (slot.ever_lent) {
    const Record& record = slot.record();
    add({record.visit, record.source, record.start, record.expire, 0});
  }
  const auto formers = slot.formers.all();
  for (auto former = formers.rbegin(); former != formers.rend(); ++former) {
    add({former->visit, former->source, former->start, former->end, 0});
  }
  return count;
}

void answer_with(const Candidate& candidate, ResolutionMethod method, Resolution& answer) {
  answer.method = method;
  answer.visit = candidate.visit;
  answer.source = candidate.source;
  answer.confidence = candidate.weight;
}

bool same_lease(const Candidate& a, const Candidate& b) { return a.visit == b.visit && a.shown == b.shown; }

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

void resolve_lent(const Slot& slot, const PoolConfig& config, const KnownCaller* known, std::uint64_t visitor,
                  Time at, Resolution& answer) {
  const std::span<Candidate> holders(answer.candidate_storage.data(),
                                     list_holders(slot, at, answer.candidate_storage));
  answer.candidate_count = holders.size();
  const bool lent = !holders.empty();
  const Candidate last = lent ? holders.front() : Candidate{};
  const bool active = lent && at < last.end;
  const bool held = lent && at < last.end + config.hold;
  const bool visitor_of_last = lent && slot.ever_lent && last.shown == slot.record().start && visitor != 0;
  answer.none_weight = weigh(config.attribution, at, holders);

  if (known != nullptr) {
    const bool own =
        lent && (known->visit.visit == last.visit || (visitor_of_last && known->visitor == visitor));
    if (!own || !held) return answer_known(*known, holders, answer);
  }
  if (!lent) return;
  const auto last_weighed =
      std::find_if(holders.begin(), holders.end(), [&](const Candidate& c) { return same_lease(c, last); });
  if (active) return answer_with(*last_weighed, ResolutionMethod::kActiveLease, answer);
  if (held) return answer_with(*last_weighed, ResolutionMethod::kHold, answer);
  const bool is_last = same_lease(holders.front(), last);
  answer_with(holders.front(), is_last ? ResolutionMethod::kHold : ResolutionMethod::kHolderLog, answer);
}

}  // namespace ringtrace::pool
