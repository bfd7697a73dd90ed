#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <iostream>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/patience.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

/// A row for each pool.
std::vector<Table::Column> pool_columns() {
  return {{"pool", 12},  {"numbers"},     {"leased"}, {"held"},    {"free"},
          {"exhausted"}, {"oldest idle"}, {"ttl", 6}, {"hold", 6}, {"fallback", 12}};
}

std::string idle_text(const v1::PoolCapacity& capacity) {
  return capacity.has_oldest_idle_duration() ? duration_text(capacity.oldest_idle_duration()) : "-";
}

std::vector<std::string> pool_row(const v1::Pool& pool) {
  const v1::PoolCapacity& capacity = pool.capacity();
  return {pool.name(),
          std::to_string(capacity.total_count()),
          std::to_string(capacity.leased_count()),
          std::to_string(capacity.held_count()),
          std::to_string(capacity.free_count()),
          std::to_string(capacity.exhausted_count()),
          idle_text(capacity),
          duration_text(pool.ttl()),
          duration_text(pool.hold()),
          or_dash(pool.fallback_number())};
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
                           {"held back", std::to_string(capacity.held_back_count())},
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
  prepare(context, common);
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
  Table table(std::cout, pool_columns(), common.colour);
  v1::ListPoolsRequest request;
  do {
    grpc::ClientContext context;
    prepare(context, common);
    v1::ListPoolsResponse response;
    const grpc::Status status = stub.ListPools(&context, request, &response);
    if (!status.ok()) return report(common, status);
    for (const v1::Pool& pool : response.pools()) {
      if (common.json) {
        print_json(pool);
        continue;
      }
      table.row(pool_row(pool));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (!common.json) table.heading();
  return kExitOk;
}

}  // namespace

int pool(const Common& common, const std::string& name) {
  const auto stub = v1::PoolService::NewStub(connect(common));
  return name.empty() ? print_all(common, *stub) : print_one(common, *stub, name);
}

int watch_pools(const Common& common, const WatchPoolsOptions& options) {
  v1::WatchPoolsRequest request;
  for (const std::string& name : options.names) *request.add_names() = pool_resource_of(name);
  grpc::ClientContext context;
  authorise(context, common);
  const auto stub = v1::PoolService::NewStub(connect(common));
  Patience patience(context, common.timeout);
  const auto stream = stub->WatchPools(&context, request);
  Table table(std::cout, pool_columns(), common.colour);
  v1::WatchPoolsResponse response;
  for (std::uint64_t lines = 0; stream->Read(&response);) {
    patience.end();  // a pool that does not change has nothing to tell
    if (common.json) {
      print_json(response.pool());
    } else {
      table.row(pool_row(response.pool()));
    }
    std::cout.flush();
    if (++lines == options.limit) {
      context.TryCancel();
      stream->Finish();
      return kExitOk;
    }
  }
  const grpc::Status status = patience.status_of(stream->Finish());
  return status.ok() ? kExitOk : report(common, status);
}

}  // namespace ringtrace::ctl
