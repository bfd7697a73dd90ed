#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/call_service.grpc.pb.h>

#include <iostream>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {

int erase(const Common& common, const EraseOptions& options) {
  v1::EraseCallerRequest request;
  request.set_caller(options.caller);
  request.set_rewrite_append_only_file(options.rewrite);
  request.set_request_id(options.request_id);
  grpc::ClientContext context;
  prepare(context, common);
  v1::EraseCallerResponse response;
  const grpc::Status status =
      v1::CallService::NewStub(connect(common))->EraseCaller(&context, request, &response);
  if (!status.ok()) return report(common, status);
  if (common.json) {
    print_json(response);
    return kExitOk;
  }
  const bool rewriting = response.append_only_file_rewrite_started();
  print_fields(std::cout, {{"calls erased", std::to_string(response.erased_call_count())},
                           {"append-only file", rewriting         ? "being rewritten"
                                                : options.rewrite ? "not rewritten: Redis refused"
                                                                  : "holds it until its next rewrite"}});
  return kExitOk;
}

}  // namespace ringtrace::ctl
