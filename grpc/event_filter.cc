#include "grpc/event_filter.h"

#include "proto/from_pool.h"

namespace ringtrace::rpc {

bool EventFilter::passes(const v1::CallEvent& event) const {
  return (types.empty() || types.contains(event.type())) &&
         (pools.empty() || pools.contains(event.call().resolution().pool()));
}

std::variant<EventFilter, Error> check_filter(const pool::NumberPools& pools,
                                              const v1::CallEventsStart& start) {
  if (start.pools_size() > kMaxFilterPools) {
    return field_out_of_range("start.pools", "at most " + std::to_string(kMaxFilterPools) + " names");
  }
  EventFilter filter;
  for (const std::string& resource : start.pools()) {
    const std::string_view name = pool_name_of(resource);
    if (name.empty()) return field_malformed("start.pools", "pools/{pool} each");
    if (!pools.find(name)) return pool_not_found(name);
    filter.pools.insert(resource);
  }
  for (const int type : start.types()) {
    if (type == v1::CALL_EVENT_TYPE_UNSPECIFIED || !v1::CallEventType_IsValid(type)) {
      return field_malformed("start.types", "CallEventType each");
    }
    filter.types.insert(type);
  }
  return filter;
}

}  // namespace ringtrace::rpc
