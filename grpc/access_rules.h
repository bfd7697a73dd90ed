#pragma once

#include <ringtrace/v1/call_service.pb.h>
#include <ringtrace/v1/lease_service.pb.h>
#include <ringtrace/v1/pool_service.pb.h>

#include "grpc/access.h"

/// Which pools a request touches and an answer tells of: `restrict_request` refuses requests for pools that
/// are not the client's, and narrows those for "all" to the client's; `restrict_answer` refuses or thins out
/// answers whose pools are known only then. The services themselves know nothing of tokens.
namespace ringtrace::rpc {

/// LeaseService: every request names its pool.
template <typename Request>
requires requires(const Request& request) { request.parent(); }
Outcome restrict_request(const Ticket& ticket, const Request& request) {
  return ticket.check_pool_resource(request.parent());
}

/// PoolService's requests for one pool.
template <typename Request>
requires requires(const Request& request) { request.name(); }
Outcome restrict_request(const Ticket& ticket, const Request& request) {
  return ticket.check_pool_resource(request.name());
}

Outcome restrict_request(const Ticket& ticket, v1::WatchPoolsRequest& request);
Outcome restrict_request(const Ticket& ticket, v1::CallEventsStart& start);
Outcome restrict_request(const Ticket& ticket, v1::ListCallsRequest& request);
Outcome restrict_request(const Ticket& ticket, const v1::EraseCallerRequest& request);
inline Outcome restrict_request(const Ticket&, const v1::GetCallRequest&) { return std::nullopt; }
inline Outcome restrict_request(const Ticket&, const v1::ListPoolsRequest&) { return std::nullopt; }
inline Outcome restrict_request(const Ticket&, const v1::PlanCapacityRequest&) { return std::nullopt; }
inline Outcome restrict_request(const Ticket&, const v1::ResolveNumberRequest&) { return std::nullopt; }

/// Answers that tell of nothing but what was asked for.
template <typename Response>
Outcome restrict_answer(const Ticket&, const Response&) {
  return std::nullopt;
}

/// A page may come out shorter than asked for, or empty with a next page (AIP-158).
Outcome restrict_answer(const Ticket& ticket, v1::ListPoolsResponse& response);
Outcome restrict_answer(const Ticket& ticket, v1::GetCallResponse& response);
Outcome restrict_answer(const Ticket& ticket, v1::ResolveNumberResponse& response);

}  // namespace ringtrace::rpc
