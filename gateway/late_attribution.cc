#include "gateway/late_attribution.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/late_resolution.h"
#include "proto/from_pool.h"

namespace ringtrace::gateway {
namespace {

v1::CallEvent update_of(const v1::Call& call, pool::Time at) {
  v1::CallEvent event;
  event.set_event_id(call.call_id() + "-attribution_updated");
  event.set_type(v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED);
  *event.mutable_event_time() = to_timestamp(at);
  *event.mutable_call() = call;
  return event;
}

}  // namespace

void LateAttribution::pass(v1::CallEvent& event) {
  // Only what was told by the proxy is completed; an update is the answer itself.
  if (event.type() == v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED) return;
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
    *event.mutable_call()->mutable_resolution() = known->second.call.resolution();
  }
  known->second.call = event.call();
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
      const v1::Call& call = calls_.at(to_ask_[i]).call;
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
  std::optional<v1::CallEvent> update;
  {
    const std::lock_guard lock(mutex_);
    --asked_;
    if (page.status != redis::HolderPage::Status::kDone) {
      to_ask_.push_back(call_id);
      return;
    }
    const auto known = calls_.find(call_id);
    v1::Call& call = known->second.call;
    const auto pool = pools_.find(pool_name_of(call.resolution().pool()));
    const pool::Time at = from_timestamp(call.start_time());
    auto better = complete_resolution(call.resolution(), page.holders, pools_.config(*pool), at);
    --stats_.waiting;
    ++(better ? stats_.updated : stats_.confirmed);
    if (better) {
      *call.mutable_resolution() = std::move(*better);
      update = update_of(call, at);
    }
    known->second.settled = true;
    if (known->second.ended) calls_.erase(known);
  }
  if (!update || tell_(std::move(*update))) return;
  const std::lock_guard lock(mutex_);
  ++stats_.dropped;
}

LateAttributionStats LateAttribution::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace ringtrace::gateway
