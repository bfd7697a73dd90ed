#include "tests/crash/promises.h"

#include <algorithm>
#include <utility>

namespace ringtrace::crash {
namespace {

/// An answer is older than the moment it is looked at.
constexpr std::chrono::milliseconds kMargin{20};

std::string in_ms(Time::duration length) { return std::to_string(length.count()) + " ms"; }

}  // namespace

bool Promises::must_be_live(const Visit& visit, Time now) const {
  return visit.held && !visit.release_in_doubt && visit.held->expire > now + kMargin;
}

/// Nobody else may have been shown the number since less than the hold.
void Promises::show(const std::string& visit, const Answer& answer, Time now) {
  Shown& shown = numbers_[answer.number];
  if (!shown.visit.empty() && shown.visit != visit && shown.bound_until > now + kMargin) {
    wrong(visit, "was given " + answer.number + " that is " + shown.visit + "'s for another " +
                     in_ms(shown.bound_until - now));
    wrong(shown.visit, "is the one");
  }
  const Time bound = answer.expire + hold_;
  shown = {visit, shown.visit == visit ? std::max(shown.bound_until, bound) : bound};
}

void Promises::leased(const std::string& visit, const Answer& answer, Time sent, Time now) {
  Visit& state = visits_[visit];
  if (answer.fallback) {
    if (must_be_live(state, now)) lose(visit, state, now, "was shown the fallback number");
    tell(visit, now, "fallback");
    forget(visit);
    return;
  }
  ++acknowledged_;
  if (must_be_live(state, now) && state.held->number != answer.number) {
    lose(visit, state, now, "was given " + answer.number);
  } else if (must_be_live(state, now) && answer.expire < state.held->expire) {
    wrong(visit, "has a lease that became " + in_ms(state.held->expire - answer.expire) + " shorter");
  }
  if (answer.expire <= sent) wrong(visit, "was given a lease that is over");
  tell(visit, now,
       "given " + answer.number + " for " + in_ms(answer.expire - now) +
           (answer.durable ? "" : ", not durable"));
  show(visit, answer, now);
  state.held = Held{answer.number, answer.expire, answer.durable};
  state.release_in_doubt = state.lease_in_doubt = false;
}

void Promises::renew_not_found(const std::string& visit, Time now) {
  Visit& state = visits_[visit];
  if (must_be_live(state, now)) lose(visit, state, now, "was told that it holds nothing");
  tell(visit, now, "renewal: not found");
  if (!state.lease_in_doubt) state.held.reset();
}

void Promises::release_sent(const std::string& visit, Time now) {
  Visit& state = visits_[visit];
  state.release_in_doubt = true;
  tell(visit, now, "release sent");
  if (!state.held) return;
  Shown& shown = numbers_[state.held->number];
  if (shown.visit == visit) shown.bound_until = std::min(shown.bound_until, now + hold_);
}

void Promises::released(const std::string& visit, Time now) {
  tell(visit, now, "released");
  Visit& state = visits_[visit];
  if (state.held) state.let_go = state.held->number;
  forget(visit);
}

void Promises::lease_in_doubt(const std::string& visit, Time now) {
  tell(visit, now, "in doubt");
  visits_[visit].lease_in_doubt = true;
  ++in_doubt_;
}

void Promises::found(const std::string& visit, const Answer& lease, Time now) {
  Visit& state = visits_[visit];
  const bool promised = must_be_live(state, now);
  if (promised && state.held->number != lease.number) {
    lose(visit, state, now, "holds " + lease.number + " now");
  } else if (promised && lease.expire < state.held->expire) {
    wrong(visit, "holds its number " + in_ms(state.held->expire - lease.expire) + " shorter than told");
  } else if (!state.held && !state.lease_in_doubt && !state.release_in_doubt &&
             lease.number == state.let_go) {
    returns_.push_back(story_of(visit, "has " + lease.number + " again, which it had let go"));
  } else if (!state.held && !state.lease_in_doubt && !state.release_in_doubt) {
    wrong(visit, "holds " + lease.number + " and was never given it");
  }
  tell(visit, now, "found with " + lease.number + " for " + in_ms(lease.expire - now));
  show(visit, lease, now);
  state.held = Held{lease.number, lease.expire, lease.durable};
  state.lease_in_doubt = state.release_in_doubt = false;
}

void Promises::not_found(const std::string& visit, Time now) {
  Visit& state = visits_[visit];
  if (must_be_live(state, now)) lose(visit, state, now, "holds nothing now");
  tell(visit, now, "not found");
  if (state.held) state.let_go = state.held->number;
  forget(visit);
}

void Promises::lose(const std::string& visit, const Visit& state, Time now, const std::string& what) {
  losses_.push_back(story_of(visit, "was promised " + state.held->number + " for another " +
                                        in_ms(state.held->expire - now) +
                                        (state.held->durable ? " (durable), " : " (not durable), ") + what));
}

void Promises::tell(const std::string& visit, Time now, const std::string& what) {
  constexpr std::size_t kMost = 12;
  std::deque<std::string>& story = visits_[visit].story;
  story.push_back(std::to_string(now.time_since_epoch().count() % 1'000'000) + " " + what);
  if (story.size() > kMost) story.pop_front();
}

void Promises::forget(const std::string& visit) {
  Visit& state = visits_[visit];
  state.held.reset();
  state.lease_in_doubt = state.release_in_doubt = false;
}

std::string Promises::story_of(const std::string& visit, const std::string& what) const {
  std::string text = visit + " " + what;
  for (const std::string& line : visits_.at(visit).story) text += "\n    " + line;
  return text;
}

void Promises::wrong(const std::string& visit, const std::string& what) {
  violations_.push_back(story_of(visit, what));
}

std::vector<std::string> Promises::visits() const {
  std::vector<std::string> names;
  for (const auto& [visit, state] : visits_) names.push_back(visit);
  return names;
}

bool Promises::is_in_doubt(const std::string& visit) const {
  const auto found = visits_.find(visit);
  return found != visits_.end() && (found->second.lease_in_doubt || found->second.release_in_doubt);
}

std::optional<std::string> Promises::number_of(const std::string& visit) const {
  const auto found = visits_.find(visit);
  if (found == visits_.end() || !found->second.held) return std::nullopt;
  return found->second.held->number;
}

}  // namespace ringtrace::crash
