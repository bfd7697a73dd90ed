#include "gateway/late_resolution.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "pool/attribution.h"
#include "pool/resolve.h"
#include "proto/from_pool.h"
#include "redis/lease_text.h"

namespace ringtrace::gateway {
namespace {

using pool::Candidate;

/// A visit is one candidate for each time it was shown the number.
using Key = std::pair<std::string, pool::Time>;

Key key_of(const Candidate& candidate) { return {candidate.visit.to_string(), candidate.shown}; }

void add(std::map<Key, Candidate>& all, Candidate candidate, pool::Time at) {
  if (candidate.visit.empty() || candidate.shown > at || candidate.end + pool::kLongestLag <= at) return;
  const auto [place, fresh] = all.try_emplace(key_of(candidate), candidate);
  if (!fresh) place->second.end = std::max(place->second.end, candidate.end);
}

std::vector<Candidate> all_candidates(const v1::Resolution& first, const std::vector<redis::Holder>& holders,
                                      pool::Time at) {
  std::map<Key, Candidate> all;
  for (const v1::Candidate& known : first.candidates()) {
    // A returning caller's own visit may have been shown another number, and no end of it is known here.
    add(all,
        {pool::VisitId::cut(known.visit_id()), pool::Source::cut(known.source()),
         from_timestamp(known.shown_time()), from_timestamp(known.end_time()), 0},
        at);
  }
  for (const redis::Holder& holder : holders) {
    add(all,
        {pool::VisitId::cut(holder.visit_id), pool::Source::cut(holder.source), holder.shown, holder.end, 0},
        at);
  }
  std::vector<Candidate> candidates;
  for (auto& [key, candidate] : all) candidates.push_back(candidate);
  return candidates;
}

v1::Candidate to_message(const Candidate& candidate) {
  v1::Candidate message;
  message.set_visit_id(candidate.visit.to_string());
  message.set_source(candidate.source.to_string());
  *message.mutable_shown_time() = to_timestamp(candidate.shown);
  *message.mutable_end_time() = to_timestamp(candidate.end);
  message.set_weight(candidate.weight);
  return message;
}

void answer_with(const Candidate& candidate, v1::ResolutionMethod method, v1::Resolution& answer) {
  const std::string visit = candidate.visit.to_string();
  if (answer.visit().visit_id() != visit) answer.mutable_visit()->Clear();
  answer.mutable_visit()->set_visit_id(visit);
  answer.set_method(method);
  answer.set_source(candidate.source.to_string());
  answer.set_confidence(candidate.weight);
}

/// ACTIVE_LEASE and HOLD are the last holder's; after its hold the heaviest answers.
void choose(const std::vector<Candidate>& weighed, const pool::PoolConfig& config, pool::Time at,
            v1::Resolution& answer) {
  const auto last =
      std::max_element(weighed.begin(), weighed.end(), [](const Candidate& a, const Candidate& b) {
        return std::pair(a.shown, a.end) < std::pair(b.shown, b.end);
      });
  if (at < last->end) return answer_with(*last, v1::RESOLUTION_METHOD_ACTIVE_LEASE, answer);
  if (at < last->end + config.hold) return answer_with(*last, v1::RESOLUTION_METHOD_HOLD, answer);
  const bool is_last = last == weighed.begin();
  answer_with(weighed.front(), is_last ? v1::RESOLUTION_METHOD_HOLD : v1::RESOLUTION_METHOD_HOLDER_LOG,
              answer);
}

bool is_better(const v1::Resolution& first, const v1::Resolution& second) {
  return first.method() != second.method() || first.visit().visit_id() != second.visit().visit_id() ||
         first.candidates_size() != second.candidates_size() ||
         first.visit().visitor_id() != second.visit().visitor_id() ||
         first.visit().has_attributes() != second.visit().has_attributes();
}

/// The store knows the visitor and the attributes of a visit of which memory did not, or had no room for
/// them.
void add_what_it_brought(const std::vector<redis::Holder>& holders, v1::Resolution& answer) {
  for (const redis::Holder& holder : holders) {
    if (holder.visit_id != answer.visit().visit_id()) continue;
    v1::Visit& visit = *answer.mutable_visit();
    if (visit.visitor_id().empty()) visit.set_visitor_id(holder.visitor_id);
    if (visit.has_attributes() || holder.attributes_json.empty()) continue;
    const std::string attributes = redis::attributes_from_json(holder.attributes_json);
    if (!attributes.empty()) visit.mutable_attributes()->ParseFromString(attributes);
  }
}

}  // namespace

bool is_complete(v1::ResolutionMethod first) {
  return first == v1::RESOLUTION_METHOD_STATIC_SOURCE || first == v1::RESOLUTION_METHOD_FALLBACK;
}

std::optional<v1::Resolution> complete_resolution(const v1::Resolution& first,
                                                  const std::vector<redis::Holder>& holders,
                                                  const pool::PoolConfig& config, pool::Time at) {
  if (is_complete(first.method())) return std::nullopt;
  std::vector<Candidate> candidates = all_candidates(first, holders, at);
  if (candidates.empty()) return std::nullopt;

  v1::Resolution second = first;
  second.clear_candidates();
  const double none_weight = pool::weigh(config.attribution, at, candidates);
  if (first.method() == v1::RESOLUTION_METHOD_RETURNING_CALLER) {
    // As sure as it was learnt; the others are listed without weight.
    for (const v1::Candidate& own : first.candidates()) {
      if (own.visit_id() == first.visit().visit_id()) *second.add_candidates() = own;
    }
    for (Candidate& candidate : candidates) {
      candidate.weight = 0;
      if (candidate.visit.view() != first.visit().visit_id())
        *second.add_candidates() = to_message(candidate);
    }
  } else {
    second.set_none_weight(none_weight);
    for (const Candidate& candidate : candidates) *second.add_candidates() = to_message(candidate);
    choose(candidates, config, at, second);
  }
  add_what_it_brought(holders, second);
  if (!is_better(first, second)) return std::nullopt;
  return second;
}

}  // namespace ringtrace::gateway
