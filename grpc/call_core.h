#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include <functional>

#include "grpc/call_index.h"
#include "grpc/caller_eraser.h"
#include "grpc/errors.h"

namespace ringtrace::rpc {

/// ListCalls, GetCall and EraseCaller without their transport. Each fills `response` and calls `done` exactly
/// once, from inside the call or from the store's thread; request and response must live until then. With an
/// error the response is not to be sent. May be called from any thread.
class CallCore {
 public:
  using Done = std::function<void(const Outcome&)>;

  /// Calls a page holds: by default, and at most (a greater page_size is cut).
  static constexpr std::int32_t kDefaultPageSize = 100;
  static constexpr std::int32_t kMaxPageSize = 1000;

  /// Both must outlive the core and everything that is under way.
  CallCore(CallIndex& index, CallerEraser& eraser) : index_(index), eraser_(eraser) {}

  void list_calls(const v1::ListCallsRequest& request, v1::ListCallsResponse& response, Done done);
  void get_call(const v1::GetCallRequest& request, v1::GetCallResponse& response, Done done);
  void erase_caller(const v1::EraseCallerRequest& request, v1::EraseCallerResponse& response, Done done);

 private:
  CallIndex& index_;
  CallerEraser& eraser_;
};

}  // namespace ringtrace::rpc
