#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <iostream>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

using google::protobuf::util::TimeUtil;

std::string idle_text(const v1::PoolCapacity& capacity) {
  return capacity.has_oldest_idle_duration() ? duration_text(capacity.oldest_idle_duration()) : "-";
}

void print_pool(const v1::Pool& pool) {
  const v1::PoolCapacity& capacity = pool.capacity();
  print_fields(std::cout, {{"pool", pool.name()},
                           {"numbers", std::to_string(capacity.total_count())},
                           {"leased", std::to_string(capacity.leased_count())},
                           {"held", std::to_string(capacity.held_count())},
                           {"free", std::to_string(capacity.free_count())},
                           {"reserved", std::to_string(capacity.reserved_count())},
                           {"drained", std::to_string(capacity.drained_count())},
                           {"not durable", std::to_string(capacity.nondurable_count())},
                           {"leases given", std::to_string(capacity.lease_count())},
                           {"exhausted", std::to_string(capacity.exhausted_count())},
                           {"oldest idle", idle_text(capacity)},
                           {"ttl", duration_text(pool.ttl())},
                           {"hold", duration_text(pool.hold())},
                           {"fallback", or_dash(pool.fallback_number())}});
  for (const auto& [source, number] : pool.source_fallback_numbers()) {
    std::cout << "fallback of " << printable(source) << "  " << printable(number) << '\n';
  }
}

int print_one(const Common& common, v1::PoolService::Stub& stub, const std::string& name) {
  v1::GetPoolRequest request;
  request.set_name(pool_resource_of(name));
  grpc::ClientContext context;
  set_deadline(context, common);
  v1::GetPoolResponse response;
  const grpc::Status status = stub.GetPool(&context, request, &response);
  if (!status.ok()) return report(common, status);
  if (common.json) {
    print_json(response.pool());
  } else {
    print_pool(response.pool());
  }
  return kExitOk;
}

int print_all(const Common& common, v1::PoolService::Stub& stub) {
  Table table(std::cout,
              {{"pool", 12},
               {"numbers"},
               {"leased"},
               {"held"},
               {"free"},
               {"exhausted"},
               {"oldest idle"},
               {"ttl", 6},
               {"hold", 6},
               {"fallback", 12}},
              common.colour);
  v1::ListPoolsRequest request;
  do {
    grpc::ClientContext context;
    set_deadline(context, common);
    v1::ListPoolsResponse response;
    const grpc::Status status = stub.ListPools(&context, request, &response);
    if (!status.ok()) return report(common, status);
    for (const v1::Pool& pool : response.pools()) {
      if (common.json) {
        print_json(pool);
        continue;
      }
      const v1::PoolCapacity& capacity = pool.capacity();
      table.row({pool.name(), std::to_string(capacity.total_count()), std::to_string(capacity.leased_count()),
                 std::to_string(capacity.held_count()), std::to_string(capacity.free_count()),
                 std::to_string(capacity.exhausted_count()), idle_text(capacity), duration_text(pool.ttl()),
                 duration_text(pool.hold()), or_dash(pool.fallback_number())});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (!common.json) table.heading();
  return kExitOk;
}

void print_resolution(const Common& common, const v1::Resolution& resolution) {
  const v1::VisitAttributes& attributes = resolution.visit().attributes();
  print_fields(std::cout,
               {{"method", short_name(v1::ResolutionMethod_Name(resolution.method()), "RESOLUTION_METHOD_")},
                {"confidence", share_text(resolution.confidence())},
                {"visit", or_dash(resolution.visit().visit_id())},
                {"source", or_dash(resolution.source())},
                {"utm_source", or_dash(attributes.utm_source())},
                {"pool", or_dash(resolution.pool())},
                {"none of them", share_text(resolution.none_weight())}});
  if (resolution.candidates().empty()) return;
  std::cout << '\n';
  Table table(std::cout, {{"candidate", 20}, {"source", 12}, {"shown", 20}, {"until", 20}, {"weight"}},
              common.colour);
  for (const v1::Candidate& candidate : resolution.candidates()) {
    table.row({candidate.visit_id(), or_dash(candidate.source()),
               time_text(candidate.has_shown_time(), candidate.shown_time()),
               time_text(candidate.has_end_time(), candidate.end_time()), share_text(candidate.weight())});
  }
}

}  // namespace

int pool(const Common& common, const std::string& name) {
  const auto stub = v1::PoolService::NewStub(connect(common));
  return name.empty() ? print_all(common, *stub) : print_one(common, *stub, name);
}

int resolve(const Common& common, const ResolveOptions& options) {
  v1::ResolveNumberRequest request;
  request.set_dialed_number(options.number);
  request.set_caller(options.caller);
  if (!options.at.empty() && !TimeUtil::FromString(options.at, request.mutable_at_time())) {
    std::cerr << "ringtracectl: --at must be a time of RFC 3339, such as 2026-03-01T12:00:00Z\n";
    return kExitUsage;
  }
  grpc::ClientContext context;
  set_deadline(context, common);
  v1::ResolveNumberResponse response;
  const grpc::Status status =
      v1::PoolService::NewStub(connect(common))->ResolveNumber(&context, request, &response);
  if (!status.ok()) return report(common, status);
  if (common.json) {
    print_json(response.resolution());
  } else {
    print_resolution(common, response.resolution());
  }
  return kExitOk;
}

}  // namespace ringtrace::ctl
