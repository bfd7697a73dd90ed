#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"
#include "proto/utf8.h"

namespace ringtrace::ctl {
namespace {

using google::protobuf::util::TimeUtil;

/// As many as one request may carry.
constexpr std::size_t kMaxNumbersOfRequest = 3'000;

/// The numbers of the command line, "-" standing for those of standard input.
std::vector<std::string> numbers_of(const NumbersOptions& options) {
  std::vector<std::string> numbers;
  for (const std::string& number : options.numbers) {
    if (number != "-") {
      numbers.push_back(number);
      continue;
    }
    for (std::string word; std::cin >> word;) {
      if (!is_utf8(word)) throw std::runtime_error("a word of standard input is not UTF-8");
      numbers.push_back(word);
    }
  }
  return numbers;
}

/// Sends the numbers, in as many requests as they need; `change` sends one and returns how many it changed.
template <typename Request, typename Change>
int change_numbers(const Common& common, const NumbersOptions& options, const char* done, const char* key,
                   const Change& change) {
  const auto stub = v1::PoolService::NewStub(connect(common));
  const std::vector<std::string> numbers = numbers_of(options);
  std::int64_t changed = 0;
  for (std::size_t at = 0; at < numbers.size();) {
    Request request;
    request.set_name(pool_resource_of(options.pool));
    request.set_request_id(options.request_id);
    for (std::size_t i = 0; i < kMaxNumbersOfRequest && at < numbers.size(); ++i) {
      request.add_numbers(numbers[at++]);
    }
    grpc::ClientContext context;
    prepare(context, common);
    const grpc::Status status = change(*stub, context, request, changed);
    if (!status.ok()) return report(common, status);
  }
  if (common.json) {
    std::cout << "{\"" << key << "\":" << changed << "}\n";
  } else {
    std::cout << changed << " of " << numbers.size() << ' ' << done << '\n';
  }
  return kExitOk;
}

}  // namespace

int add_numbers(const Common& common, const NumbersOptions& options) {
  return change_numbers<v1::AddNumbersRequest>(
      common, options, "put in", "added_count",
      [](v1::PoolService::Stub& stub, grpc::ClientContext& context, const auto& request, auto& changed) {
        v1::AddNumbersResponse response;
        const grpc::Status status = stub.AddNumbers(&context, request, &response);
        changed += response.added_count();
        return status;
      });
}

int drain_numbers(const Common& common, const NumbersOptions& options) {
  return change_numbers<v1::DrainNumbersRequest>(
      common, options, "taken out", "drained_count",
      [](v1::PoolService::Stub& stub, grpc::ClientContext& context, const auto& request, auto& changed) {
        v1::DrainNumbersResponse response;
        const grpc::Status status = stub.DrainNumbers(&context, request, &response);
        changed += response.drained_count();
        return status;
      });
}

int plan(const Common& common, const PlanOptions& options) {
  v1::PlanCapacityRequest request;
  request.set_hourly_visits(options.hourly_visits);
  *request.mutable_visit_duration() = TimeUtil::MillisecondsToDuration(options.visit->count());
  *request.mutable_hold() =
      TimeUtil::MillisecondsToDuration(options.hold.value_or(std::chrono::milliseconds(0)).count());
  request.set_exhausted_share(options.exhausted_share);
  grpc::ClientContext context;
  prepare(context, common);
  v1::PlanCapacityResponse response;
  const grpc::Status status =
      v1::PoolService::NewStub(connect(common))->PlanCapacity(&context, request, &response);
  if (!status.ok()) return report(common, status);
  if (common.json) {
    print_json(response);
  } else {
    print_fields(std::cout, {{"numbers", std::to_string(response.number_count())},
                             {"in use on average", share_text(response.offered_erlangs())}});
  }
  return kExitOk;
}

}  // namespace ringtrace::ctl
