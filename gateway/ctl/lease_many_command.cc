#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

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
    v1::LeaseNumberRequest request;
    request.set_parent(pool_resource_of(options.pool));
    if (!read_visit(line, *request.mutable_visit())) {
      throw std::runtime_error("line " + std::to_string(number) + " of standard input is no Visit in JSON");
    }
    if (options.ttl) {
      *request.mutable_ttl() = google::protobuf::util::TimeUtil::MillisecondsToDuration(options.ttl->count());
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

void print_row(Table& table, const v1::Visit& visit, const v1::LeaseNumbersResponse& response) {
  if (response.has_error()) {
    table.row(
        {visit.visit_id(), "-", "-", response.error().message() + " (" + response.error().reason() + ")"});
    return;
  }
  const v1::Lease& lease = response.lease();
  table.row({visit.visit_id(), lease.number(), short_name(v1::NumberKind_Name(lease.kind()), "NUMBER_KIND_"),
             time_text(lease.has_expire_time(), lease.expire_time())});
}

}  // namespace

int lease_many(const Common& common, const LeaseManyOptions& options) {
  const std::vector<v1::LeaseNumberRequest> requests = read_requests(options);
  const auto stub = v1::LeaseService::NewStub(connect(common));
  grpc::ClientContext context;
  authorise(context, common);
  const auto stream = stub->LeaseNumbers(&context);
  // Answers come while requests still go out: the gateway reads no more than it may have under way.
  std::thread writer([&] {
    v1::LeaseNumbersRequest message;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      message.set_tag(i);
      *message.mutable_request() = requests[i];
      if (!stream->Write(message)) return;
    }
    stream->WritesDone();
  });
  Table table(std::cout, {{"visit", 16}, {"number", 12}, {"kind", 8}, {"expires", 20}}, common.colour);
  bool refused = false;
  v1::LeaseNumbersResponse response;
  while (stream->Read(&response)) {
    refused = refused || response.has_error();
    if (common.json) {
      print_json(response);
    } else if (response.tag() < requests.size()) {
      print_row(table, requests[response.tag()].visit(), response);
    }
  }
  writer.join();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return report(common, status);
  if (!common.json) table.heading();
  return refused ? kExitRefused : kExitOk;
}

}  // namespace ringtrace::ctl
