#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/call_service.grpc.pb.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

using google::protobuf::util::TimeUtil;

void print_resolution(const Common& common, const v1::Resolution& resolution) {
  const v1::Visit& visit = resolution.visit();
  std::vector<std::pair<std::string, std::string>> fields = {
      {"method", short_name(v1::ResolutionMethod_Name(resolution.method()), "RESOLUTION_METHOD_")},
      {"confidence", share_text(resolution.confidence())},
      {"visit", or_dash(visit.visit_id())}};
  if (!visit.visitor_id().empty()) fields.emplace_back("visitor", visit.visitor_id());
  fields.insert(fields.end(), {{"source", or_dash(resolution.source())},
                               {"utm_source", or_dash(visit.attributes().utm_source())},
                               {"pool", or_dash(resolution.pool())},
                               {"none of them", share_text(resolution.none_weight())}});
  print_fields(std::cout, fields);
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

void print_call(const Common& common, const v1::Call& call) {
  print_fields(std::cout,
               {{"call", call.call_id()},
                {"state", short_name(v1::CallState_Name(call.state()), "CALL_STATE_")},
                {"outcome", call.outcome() == v1::CALL_OUTCOME_UNSPECIFIED
                                ? "-"
                                : short_name(v1::CallOutcome_Name(call.outcome()), "CALL_OUTCOME_")},
                {"dialed", or_dash(call.dialed_number())},
                {"caller", or_dash(call.caller())},
                {"forwarded from", or_dash(call.forwarded_from())},
                {"trunk", or_dash(call.trunk())},
                {"line", or_dash(call.line())},
                {"started", time_text(call.has_start_time(), call.start_time())},
                {"answered", time_text(call.has_answer_time(), call.answer_time())},
                {"ended", time_text(call.has_end_time(), call.end_time())},
                {"rang", call.has_ring_duration() ? duration_text(call.ring_duration()) : "-"},
                {"SIP status", call.sip_status() == 0 ? "-" : std::to_string(call.sip_status())},
                {"talked", call.has_talk_duration() ? duration_text(call.talk_duration()) : "-"},
                {"SIP Call-ID", or_dash(call.sip_call_id())}});
  std::cout << '\n';
  print_resolution(common, call.resolution());
}

/// RFC 3339, or a duration before now.
void set_time(google::protobuf::Timestamp& time, const std::string& text, const std::string& option) {
  if (const auto ago = parse_duration(text)) {
    const auto then = std::chrono::system_clock::now() - *ago;
    time = TimeUtil::MillisecondsToTimestamp(
        std::chrono::duration_cast<std::chrono::milliseconds>(then.time_since_epoch()).count());
  } else if (!TimeUtil::FromString(text, &time)) {
    throw std::runtime_error(option + " must be a time of RFC 3339 or a duration such as 24h, not " + text);
  }
}

v1::ListCallsRequest list_request(const ListCallsOptions& options) {
  v1::ListCallsRequest request;
  if (!options.since.empty()) set_time(*request.mutable_start_time(), options.since, "--since");
  if (!options.until.empty()) set_time(*request.mutable_end_time(), options.until, "--until");
  if (!options.pool.empty()) request.set_pool(pool_resource_of(options.pool));
  request.set_dialed_number(options.number);
  request.set_source(options.source);
  if (!options.outcome.empty()) {
    v1::CallOutcome outcome{};
    if (v1::CallOutcome_Parse("CALL_OUTCOME_" + upper(options.outcome), &outcome))
      request.set_outcome(outcome);
  }
  return request;
}

/// Prints calls as their pages come.
class CallPrinter {
 public:
  explicit CallPrinter(const Common& common)
      : common_(common),
        table_(std::cout,
               {{"started", 20},
                {"call", 26},
                {"dialed", 12},
                {"caller", 12},
                {"visit", 16},
                {"source", 12},
                {"method", 12},
                {"conf"},
                {"talk s"},
                {"outcome"}},
               common.colour) {}

  void print(const v1::Call& call) {
    if (common_.json) return print_json(call);
    const v1::Resolution& resolution = call.resolution();
    const bool over = call.outcome() != v1::CALL_OUTCOME_UNSPECIFIED;
    table_.row({time_text(call.has_start_time(), call.start_time()), call.call_id(),
                or_dash(call.dialed_number()), or_dash(call.caller()), or_dash(resolution.visit().visit_id()),
                or_dash(resolution.source()),
                short_name(v1::ResolutionMethod_Name(resolution.method()), "RESOLUTION_METHOD_"),
                share_text(resolution.confidence()),
                call.has_talk_duration() ? seconds_text(call.talk_duration()) : "-",
                over ? short_name(v1::CallOutcome_Name(call.outcome()), "CALL_OUTCOME_") : "-"});
  }

  void end() {
    if (!common_.json) table_.heading();
  }

 private:
  const Common& common_;
  Table table_;
};

}  // namespace

int list_calls(const Common& common, const ListCallsOptions& options) {
  constexpr std::uint64_t kLargestPage = 1000;
  v1::ListCallsRequest request = list_request(options);
  const auto stub = v1::CallService::NewStub(connect(common));
  CallPrinter printer(common);
  std::uint64_t left = options.limit == 0 ? ~std::uint64_t{0} : options.limit;
  do {
    request.set_page_size(static_cast<std::int32_t>(std::min(left, kLargestPage)));
    grpc::ClientContext context;
    prepare(context, common);
    v1::ListCallsResponse response;
    const grpc::Status status = stub->ListCalls(&context, request, &response);
    if (!status.ok()) return report(common, status);
    for (const v1::Call& call : response.calls()) {
      if (left-- == 0) return kExitOk;
      printer.print(call);
    }
    request.set_page_token(response.next_page_token());
  } while (left > 0 && !request.page_token().empty());
  printer.end();
  return kExitOk;
}

int get_call(const Common& common, const std::string& call_id) {
  v1::GetCallRequest request;
  request.set_call_id(call_id);
  grpc::ClientContext context;
  prepare(context, common);
  v1::GetCallResponse response;
  const grpc::Status status =
      v1::CallService::NewStub(connect(common))->GetCall(&context, request, &response);
  if (!status.ok()) return report(common, status);
  if (common.json) {
    print_json(response.call());
  } else {
    print_call(common, response.call());
  }
  return kExitOk;
}

int resolve(const Common& common, const ResolveOptions& options) {
  v1::ResolveNumberRequest request;
  request.set_dialed_number(options.number);
  request.set_caller(options.caller);
  if (!options.at.empty()) TimeUtil::FromString(options.at, request.mutable_at_time());
  grpc::ClientContext context;
  prepare(context, common);
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
