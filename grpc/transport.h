#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "grpc/call_core.h"
#include "grpc/errors.h"
#include "grpc/event_streams.h"
#include "grpc/lease_core.h"
#include "grpc/number_core.h"
#include "grpc/pool_core.h"
#include "grpc/statistics.h"
#include "grpc/subscriptions.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
class Service;
class Status;
}  // namespace grpc

/// Where the cores meet the gRPC library. Inside the room only; the room's face is grpc/server.h.
namespace ringtrace::rpc {

/// The error as gRPC carries it: code, message, and a google.rpc.Status with exactly one ErrorInfo (and a
/// RetryInfo where a retry helps) in the `grpc-status-details-bin` trailer.
grpc::Status to_status(const Error& error);

/// Work of a unary method: calls its argument exactly once, from any thread.
using UnaryWork = std::function<void(std::function<void(const Outcome&)>)>;

/// Runs a unary method: refuses it when its deadline has passed already, else starts the work, whose outcome
/// is counted and sent. `statistics` must outlive the call.
grpc::ServerUnaryReactor* run_unary(grpc::CallbackServerContext& context, Statistics& statistics,
                                    Method method, const UnaryWork& work);

/// The services. What they are given must outlive them.
std::unique_ptr<grpc::Service> make_lease_service(LeaseCore& core, EventStreams& streams,
                                                  Statistics& statistics);
std::unique_ptr<grpc::Service> make_pool_service(const PoolCore& core, NumberCore& numbers,
                                                 EventStreams& streams, Statistics& statistics,
                                                 std::chrono::milliseconds watch_interval);
std::unique_ptr<grpc::Service> make_call_service(CallCore& core, Subscriptions& subscriptions,
                                                 EventStreams& streams, Statistics& statistics);

}  // namespace ringtrace::rpc
