#include "gateway/late_attribution.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/late_resolution.h"
#include "proto/attribution_update.h"
#include "proto/from_pool.h"
#include "proto/wire_fields.h"

namespace ringtrace::gateway {
namespace {

/// What is looked at of each event: the rest is read when there is an answer to put into it.
struct Glance {
  explicit Glance(std::string_view event) {
    WireFields fields(event);
    for (WireField field; fields.next(field);) {
      if (field.number == v1::CallEvent::kTypeFieldNumber) type = static_cast<v1::CallEventType>(field.value);
      if (field.number == v1::CallEvent::kCallFieldNumber) call = field.bytes;
    }
    call_id = bytes_of_field(call, v1::Call::kCallIdFieldNumber);
    resolution = bytes_of_field(call, v1::Call::kResolutionFieldNumber);
  }

  v1::CallEventType type = v1::CALL_EVENT_TYPE_UNSPECIFIED;
  std::string_view call, call_id, resolution;
};

std::string with_resolution(std::string_view event, const v1::Resolution& resolution) {
  v1::CallEvent told;
  told.ParseFromArray(event.data(), static_cast<int>(event.size()));
  *told.mutable_call()->mutable_resolution() = resolution;
  return told.SerializeAsString();
}

}  // namespace

/// Of a pool of ours, and by its method not known to be the whole answer.
bool LateAttribution::is_asked_about(std::string_view resolution) const {
  auto method = v1::RESOLUTION_METHOD_UNSPECIFIED;
  std::string_view pool;
  WireFields fields(resolution);
  for (WireField field; fields.next(field);) {
    if (field.number == v1::Resolution::kMethodFieldNumber)
      method = static_cast<v1::ResolutionMethod>(field.value);
    if (field.number == v1::Resolution::kPoolFieldNumber) pool = pool_name_of(field.bytes);
  }
  return !is_complete(method) && pools_.find(pool).has_value();
}

std::optional<std::string> LateAttribution::pass(std::string_view event) {
  const Glance glance(event);
  // Only what was told by the proxy is completed; an update is the answer itself.
  if (glance.type == v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED) return std::nullopt;
  const bool ended = glance.type == v1::CALL_EVENT_TYPE_ENDED;
  const std::string call_id(glance.call_id);
  const std::lock_guard lock(mutex_);
  auto known = calls_.find(call_id);
  if (known == calls_.end()) {
    if (!is_asked_about(glance.resolution)) return std::nullopt;
    if (calls_.size() >= kMost) {
      ++stats_.dropped;
      return std::nullopt;
    }
    known = calls_.try_emplace(call_id).first;
    to_ask_.push_back(call_id);
    ++stats_.waiting;
  }
  Known& call = known->second;
  call.ended = ended;
  if (!call.settled) {
    call.latest = event;
    return std::nullopt;
  }
  std::optional<std::string> better;
  if (call.better) better = with_resolution(event, *call.better);
  if (ended) calls_.erase(known);
  return better;
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
      const std::string_view call = Glance(calls_.at(to_ask_[i]).latest).call;
      const std::string_view resolution = bytes_of_field(call, v1::Call::kResolutionFieldNumber);
      google::protobuf::Timestamp start;
      const std::string_view start_bytes = bytes_of_field(call, v1::Call::kStartTimeFieldNumber);
      start.ParseFromArray(start_bytes.data(), static_cast<int>(start_bytes.size()));
      questions.push_back(
          {to_ask_[i],
           std::string(pool_name_of(bytes_of_field(resolution, v1::Resolution::kPoolFieldNumber))),
           pool::Number::parse(bytes_of_field(call, v1::Call::kDialedNumberFieldNumber))
               .value_or(pool::Number()),
           from_timestamp(start)});
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
    latest.ParseFromString(calls_.at(call_id).latest);
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
  Known& call = known->second;
  if (update) call.better = update->call().resolution();
  std::string().swap(call.latest);
  --stats_.waiting;
  ++(update ? stats_.updated : stats_.confirmed);
  call.settled = true;
  if (call.ended) calls_.erase(known);
  return !to_ask_.empty() && asked_ == kMostAsked / 2;
}

LateAttributionStats LateAttribution::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace ringtrace::gateway
