#include "grpc/event_filter.h"

#include <cstddef>
#include <string>

#include "grpc/validation.h"

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
  for (std::size_t place = 0; const std::string& resource : start.pools()) {
    const Checked<pool::PoolIndex> pool = check_pool(pools, element("start.pools", place++), resource);
    if (const Error* error = std::get_if<Error>(&pool)) return *error;
    filter.pools.insert(resource);
  }
  for (std::size_t place = 0; const int type : start.types()) {
    if (type == v1::CALL_EVENT_TYPE_UNSPECIFIED || !v1::CallEventType_IsValid(type)) {
      return field_malformed(element("start.types", place), "a CallEventType");
    }
    filter.types.insert(type);
    ++place;
  }
  return filter;
}

}  // namespace ringtrace::rpc
