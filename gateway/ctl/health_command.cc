#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/call_service.grpc.pb.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <array>
#include <iostream>
#include <string>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

/// The empty name is the gateway as a whole.
constexpr std::array kServices = {"", v1::LeaseService::service_full_name(),
                                  v1::CallService::service_full_name(), v1::PoolService::service_full_name()};

/// grpc.health.v1.Health/Check; its messages, which no package brings, are one field each. `bytes` becomes
/// the response.
grpc::Status check(const Common& common, grpc::GenericStub& stub, const std::string& service,
                   std::string& bytes) {
  std::string request;
  if (!service.empty()) request = "\x0A" + std::string(1, static_cast<char>(service.size())) + service;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer in(&slice, 1);
  grpc::ClientContext context;
  prepare(context, common);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", in, &queue);
  call->StartCall();
  grpc::ByteBuffer out;
  grpc::Status status;
  call->Finish(&out, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  if (status.ok() && out.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  return status;
}

}  // namespace

int health(const Common& common) {
  constexpr std::string_view kServing = "\x08\x01";  // status: SERVING
  grpc::GenericStub stub(connect(common));
  bool all = true;
  Table table(std::cout, {{"service", 26}, {"health"}}, common.colour);
  for (const char* const service : kServices) {
    std::string bytes;
    const grpc::Status status = check(common, stub, service, bytes);
    if (!status.ok()) return report(common, status);
    const bool serving = bytes == kServing;
    all = all && serving;
    if (common.json) {
      std::cout << R"({"service":")" << service << R"(","status":")" << (serving ? "SERVING" : "NOT_SERVING")
                << "\"}\n";
    } else {
      const std::string name = service[0] == '\0' ? "the gateway" : service;
      table.row({name, serving ? "serving" : "not serving"}, {"", serving ? "32" : "31"});
    }
  }
  return all ? kExitOk : kExitTrouble;
}

}  // namespace ringtrace::ctl
