#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "grpc/access.h"
#include "grpc/call_core.h"
#include "grpc/caller_eraser.h"
#include "grpc/errors.h"
#include "grpc/event_streams.h"
#include "grpc/lease_core.h"
#include "grpc/library_types.h"
#include "grpc/number_core.h"
#include "grpc/pool_core.h"
#include "grpc/statistics.h"
#include "grpc/subscriptions.h"

/// Where the cores meet the gRPC library. Inside the room only; the room's face is grpc/server.h.
namespace ringtrace::rpc {

/// The error as gRPC carries it: code, message, and a google.rpc.Status with exactly one ErrorInfo (and a
/// RetryInfo where a retry helps) in the `grpc-status-details-bin` trailer.
grpc::Status to_status(const Error& error);

/// What every method has before it. The members must outlive the services.
struct Front {
  AccessControl& access;
  Statistics& statistics;
  std::size_t max_message_bytes;
  const CallerEraser& eraser;
};

/// The services. What they are given must outlive them.
std::unique_ptr<grpc::Service> make_lease_service(LeaseCore& core, EventStreams& streams, Front& front);
std::unique_ptr<grpc::Service> make_pool_service(const PoolCore& core, NumberCore& numbers,
                                                 EventStreams& streams, Front& front,
                                                 std::chrono::milliseconds watch_interval);
std::unique_ptr<grpc::Service> make_call_service(CallCore& core, Subscriptions& subscriptions,
                                                 EventStreams& streams, Front& front);

}  // namespace ringtrace::rpc
