#include "gateway/late_attribution.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/late_resolution.h"
#include "proto/attribution_update.h"
#include "proto/from_pool.h"

namespace ringtrace::gateway {
void LateAttribution::pass(v1::CallEvent& event) {
  // Only what was told by the proxy is completed; an update is the answer itself.
  if (event.type() == v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED) return;
  if (is_complete(event.call().resolution())) return;
  const bool ended = event.type() == v1::CALL_EVENT_TYPE_ENDED;
  const std::lock_guard lock(mutex_);
  auto known = calls_.find(event.call().call_id());
  if (known == calls_.end()) {
    if (!pools_.find(pool_name_of(event.call().resolution().pool()))) return;
    if (calls_.size() >= kMost) {
      ++stats_.dropped;
      return;
    }
    known = calls_.try_emplace(event.call().call_id()).first;
    to_ask_.push_back(event.call().call_id());
    ++stats_.waiting;
  } else if (known->second.settled) {
    *event.mutable_call()->mutable_resolution() = known->second.latest.call().resolution();
  }
  known->second.latest = event;
  known->second.ended = ended;
  if (ended && known->second.settled) calls_.erase(known);
}

void LateAttribution::ask() {
  struct Question {
    std::string call_id;
    std::string pool;
    pool::Number dialed;
    pool::Time at;
  };
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(to_ask_.size(), kMostAsked - std::min(asked_, kMostAsked));
    for (std::size_t i = 0; i < count; ++i) {
      const v1::Call& call = calls_.at(to_ask_[i]).latest.call();
      questions.push_back({to_ask_[i], std::string(pool_name_of(call.resolution().pool())),
                           pool::Number::parse(call.dialed_number()).value_or(pool::Number()),
                           from_timestamp(call.start_time())});
    }
    to_ask_.erase(to_ask_.begin(), std::next(to_ask_.begin(), static_cast<std::ptrdiff_t>(count)));
    asked_ += count;
  }
  for (const Question& question : questions) {
    ask_(question.pool, question.dialed, question.at,
         [this, id = question.call_id](redis::HolderPage page) { answered(id, std::move(page)); });
  }
}

void LateAttribution::answered(const std::string& call_id, redis::HolderPage page) {
  v1::CallEvent latest;
  {
    const std::lock_guard lock(mutex_);
    --asked_;
    if (page.status != redis::HolderPage::Status::kDone) return to_ask_.push_back(call_id);
    latest = calls_.at(call_id).latest;
  }
  const std::optional<v1::CallEvent> update = update_for(latest, page);
  const bool told = !update || tell_(*update);
  // What waits for a place under way goes on with the answers, half of the places at a time.
  if (settle(call_id, update, told)) ask();
}

std::optional<v1::CallEvent> LateAttribution::update_for(const v1::CallEvent& latest,
                                                         const redis::HolderPage& page) const {
  const v1::Call& call = latest.call();
  const auto pool = pools_.find(pool_name_of(call.resolution().pool()));
  auto better = complete_resolution(call.resolution(), page.holders, pools_.config(*pool),
                                    from_timestamp(call.start_time()));
  if (!better) return std::nullopt;
  return attribution_updated(latest, std::move(*better), 1, now_());
}

/// True when it is time to ask about more.
bool LateAttribution::settle(const std::string& call_id, const std::optional<v1::CallEvent>& update,
                             bool told) {
  const std::lock_guard lock(mutex_);
  if (!told) {
    to_ask_.push_back(call_id);
    return false;
  }
  const auto known = calls_.find(call_id);
  if (update) *known->second.latest.mutable_call()->mutable_resolution() = update->call().resolution();
  --stats_.waiting;
  ++(update ? stats_.updated : stats_.confirmed);
  known->second.settled = true;
  if (known->second.ended) calls_.erase(known);
  return !to_ask_.empty() && asked_ == kMostAsked / 2;
}

LateAttributionStats LateAttribution::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace ringtrace::gateway
