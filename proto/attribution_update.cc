#include "proto/attribution_update.h"

#include <string>
#include <utility>

#include "proto/from_pool.h"

namespace ringtrace {

v1::CallEvent attribution_updated(const v1::CallEvent& latest, v1::Resolution better, std::int32_t revision,
                                  pool::Time at) {
  v1::CallEvent event;
  event.set_event_id(latest.call().call_id() + "-attribution_updated-" + std::to_string(revision));
  event.set_type(v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED);
  *event.mutable_event_time() = to_timestamp(at);
  *event.mutable_call() = latest.call();
  v1::AttributionUpdated& update = *event.mutable_attribution_updated();
  update.set_revision(revision);
  update.mutable_previous_resolution()->Swap(event.mutable_call()->mutable_resolution());
  *event.mutable_call()->mutable_resolution() = std::move(better);
  return event;
}

v1::Call with_newest_resolution(v1::Call call, const v1::CallEvent& update) {
  *call.mutable_resolution() = update.call().resolution();
  return call;
}

}  // namespace ringtrace
