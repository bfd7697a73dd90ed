#pragma once

#include "gateway/memory_call_log.h"
#include "sip/call_sink.h"

namespace ringtrace::gateway {

/// Hands the proxy's events to the log in memory. A call that began before this process is unknown there, and
/// what is seen of it later is left out: the proxy counts its closing.
class MemoryCallSink final : public sip::CallSink {
 public:
  explicit MemoryCallSink(MemoryCallLog& log) : log_(log) {}

  void record(const v1::CallEvent& event) override { log_.append(event); }
  void close_unknown(sip::CallClosing) override {}
  void resume(const v1::CallEvent&) override {}

 private:
  MemoryCallLog& log_;
};

}  // namespace ringtrace::gateway
