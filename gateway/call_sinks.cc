#include "gateway/call_sinks.h"

#include <utility>

namespace ringtrace::gateway {

void StoreCallSink::record(v1::CallEvent event) { static_cast<void>(log_.append(std::move(event))); }

void StoreCallSink::close_unknown(sip::CallClosing closing) {
  redis::CallClosing stored;
  stored.call_id = std::move(closing.call_id);
  stored.sip_call_id = std::move(closing.sip_call_id);
  stored.end_time = closing.end_time;
  if (!log_.close_open_call(std::move(stored))) closings_dropped_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace ringtrace::gateway
