#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/expiration.h"
#include "gateway/ctl/patience.h"
#include "gateway/ctl/text.h"
#include "proto/utf8.h"

namespace ringtrace::ctl {
namespace {

/// About how much goes into one message: some hundred leases, far below what a gateway takes.
constexpr std::size_t kMessageBytes = 32 * 1024;

/// A visit id, or a Visit as JSON.
bool read_visit(const std::string& line, v1::Visit& visit) {
  if (line.front() != '{') {
    visit.set_visit_id(line);
    return true;
  }
  return google::protobuf::util::JsonStringToMessage(line, &visit).ok();
}

std::vector<v1::LeaseNumberRequest> read_requests(const LeaseManyOptions& options) {
  std::vector<v1::LeaseNumberRequest> requests;
  std::size_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    if (line.empty()) continue;
    const std::string place = "line " + std::to_string(number) + " of standard input";
    if (!is_utf8(line)) throw std::runtime_error(place + " is not UTF-8");
    v1::LeaseNumberRequest request;
    request.set_parent(pool_resource_of(options.pool));
    if (!read_visit(line, *request.mutable_visit())) {
      throw std::runtime_error(place + " is no Visit in JSON");
    }
    set_expiration(request, options.expiration);
    requests.push_back(std::move(request));
  }
  return requests;
}

void print_row(Table& table, const v1::Visit& visit, const v1::LeaseNumbersResult& result) {
  if (result.has_error()) {
    table.row({visit.visit_id(), "-", "-", result.error().message() + " (" + result.error().reason() + ")"});
    return;
  }
  const v1::Lease& lease = result.lease();
  table.row({visit.visit_id(), lease.number(), short_name(v1::NumberKind_Name(lease.kind()), "NUMBER_KIND_"),
             time_text(lease.has_expire_time(), lease.expire_time())});
}

}  // namespace

int lease_many(const Common& common, const LeaseManyOptions& options) {
  const std::vector<v1::LeaseNumberRequest> requests = read_requests(options);
  const auto stub = v1::LeaseService::NewStub(connect(common));
  grpc::ClientContext context;
  authorise(context, common);
  Patience patience(context, common.timeout);
  const auto stream = stub->LeaseNumbers(&context);
  // Answers come while requests still go out: the gateway reads no more than it may have under way.
  std::thread writer([&] {
    for (std::size_t i = 0; i < requests.size();) {
      v1::LeaseNumbersRequest message;
      for (std::size_t bytes = 0; i < requests.size() && bytes < kMessageBytes; ++i) {
        v1::LeaseNumbersAsk& ask = *message.add_asks();
        ask.set_tag(i);
        *ask.mutable_request() = requests[i];
        bytes += ask.ByteSizeLong();
      }
      if (!stream->Write(message)) return;
    }
    stream->WritesDone();
  });
  Table table(std::cout, {{"visit", 16}, {"number", 12}, {"kind", 8}, {"expires", 20}}, common.colour);
  bool refused = false;
  v1::LeaseNumbersResponse response;
  while (stream->Read(&response)) {
    patience.rest();
    for (const v1::LeaseNumbersResult& result : response.results()) {
      refused = refused || result.has_error();
      if (common.json) {
        print_json(result);
      } else if (result.tag() < requests.size()) {
        print_row(table, requests[result.tag()].visit(), result);
      }
    }
    patience.renew();
  }
  writer.join();
  const grpc::Status status = patience.status_of(stream->Finish());
  if (!status.ok()) return report(common, status);
  if (!common.json) table.heading();
  return refused ? kExitRefused : kExitOk;
}

}  // namespace ringtrace::ctl
