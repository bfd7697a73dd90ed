#include "grpc/access_rules.h"

#include <string>

#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

/// Checks each of the pools; in place of none come all of the client's.
Outcome restrict_pools(const Ticket& ticket, google::protobuf::RepeatedPtrField<std::string>& resources) {
  for (const std::string& resource : resources) {
    if (Outcome refused = ticket.check_pool_resource(resource)) return refused;
  }
  if (resources.empty() && !ticket.allows_all_pools()) {
    for (const std::string& pool : ticket.pools()) *resources.Add() = "pools/" + pool;
  }
  return std::nullopt;
}

/// Calls and numbers that belong to no pool are told to those who may see all. Which other pool they are of
/// is not said.
Outcome check_resolution(const Ticket& ticket, const v1::Resolution& resolution) {
  if (ticket.allows_all_pools() || !ticket.check_pool(pool_name_of(resolution.pool()))) return std::nullopt;
  return not_of_pools(ticket.token_name());
}

}  // namespace

Outcome restrict_request(const Ticket& ticket, v1::WatchPoolsRequest& request) {
  return restrict_pools(ticket, *request.mutable_names());
}

Outcome restrict_request(const Ticket& ticket, v1::CallEventsStart& start) {
  return restrict_pools(ticket, *start.mutable_pools());
}

Outcome restrict_request(const Ticket& ticket, v1::ListCallsRequest& request) {
  if (request.pool().empty() && !ticket.allows_all_pools()) {
    // The request has room for one pool: a client of several has to say which.
    if (ticket.pools().size() > 1) return one_pool_needed(ticket.token_name());
    request.set_pool("pools/" + ticket.pools().front());
  }
  return ticket.check_pool_resource(request.pool());
}

/// A caller's calls may be of any pool.
Outcome restrict_request(const Ticket& ticket, const v1::EraseCallerRequest&) {
  return ticket.allows_all_pools() ? std::nullopt : Outcome(all_pools_needed(ticket.token_name()));
}

Outcome restrict_answer(const Ticket& ticket, v1::ListPoolsResponse& response) {
  auto& pools = *response.mutable_pools();
  for (int i = pools.size(); i-- > 0;) {
    if (ticket.check_pool_resource(pools[i].name())) pools.DeleteSubrange(i, 1);
  }
  return std::nullopt;
}

Outcome restrict_answer(const Ticket& ticket, v1::GetCallResponse& response) {
  return check_resolution(ticket, response.call().resolution());
}

Outcome restrict_answer(const Ticket& ticket, v1::ResolveNumberResponse& response) {
  return check_resolution(ticket, response.resolution());
}

}  // namespace ringtrace::rpc
