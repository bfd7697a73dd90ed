#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/call_service.grpc.pb.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <thread>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/complaint.h"
#include "gateway/ctl/patience.h"
#include "gateway/ctl/text.h"
#include "grpc/metadata.h"

namespace ringtrace::ctl {
namespace {

/// How an event is coloured: SGR parameters.
std::string_view style_of(const v1::CallEvent& event) {
  constexpr std::string_view kYellow = "33";
  constexpr std::string_view kGreen = "32";
  constexpr std::string_view kCyan = "36";
  constexpr std::string_view kRed = "31";
  constexpr std::string_view kMagenta = "35";
  switch (event.type()) {
    case v1::CALL_EVENT_TYPE_RINGING:
      return kYellow;
    case v1::CALL_EVENT_TYPE_ANSWERED:
      return kGreen;
    case v1::CALL_EVENT_TYPE_ENDED:
      return event.call().outcome() == v1::CALL_OUTCOME_ANSWERED ? kCyan : kRed;
    case v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED:
      return kMagenta;
    default:
      return {};
  }
}

/// Prints events as they come.
class EventPrinter {
 public:
  explicit EventPrinter(const Common& common)
      : common_(common),
        table_(std::cout,
               {{"time", 20},
                {"event", 8},
                {"call", 26},
                {"dialed", 12},
                {"caller", 12},
                {"visit", 16},
                {"source", 12},
                {"utm_source"},
                {"method", 12},
                {"conf"},
                {"ring s"},
                {"talk s"},
                {"outcome"}},
               common.colour) {}

  void print(const v1::CallEvent& event) {
    if (common_.json) {
      print_json(event);
    } else {
      row(event);
    }
    std::cout.flush();
  }

  /// Once, however often the stream is opened again.
  void heading() {
    if (!common_.json && !headed_) table_.heading();
    headed_ = true;
    std::cout.flush();
  }

 private:
  void row(const v1::CallEvent& event) {
    const v1::Call& call = event.call();
    const v1::Resolution& resolution = call.resolution();
    const bool ended = call.state() == v1::CALL_STATE_ENDED;
    table_.row({time_text(event.has_event_time(), event.event_time()),
                short_name(v1::CallEventType_Name(event.type()), "CALL_EVENT_TYPE_"), call.call_id(),
                or_dash(call.dialed_number()), or_dash(call.caller()), or_dash(resolution.visit().visit_id()),
                or_dash(resolution.source()), or_dash(resolution.visit().attributes().utm_source()),
                short_name(v1::ResolutionMethod_Name(resolution.method()), "RESOLUTION_METHOD_"),
                share_text(resolution.confidence()),
                call.has_ring_duration() ? seconds_text(call.ring_duration()) : "-",
                call.has_talk_duration() ? seconds_text(call.talk_duration()) : "-",
                ended ? short_name(v1::CallOutcome_Name(call.outcome()), "CALL_OUTCOME_") : "-"},
               styles(event, resolution));
  }

  static std::vector<std::string_view> styles(const v1::CallEvent& event, const v1::Resolution& resolution) {
    constexpr std::string_view kDim = "2";
    constexpr std::string_view kBold = "1";
    constexpr double kSure = 0.9;
    const std::string_view style = style_of(event);
    const std::string_view sure = resolution.confidence() >= kSure ? kBold : std::string_view();
    return {kDim, style, kDim, {}, {}, kBold, sure, {}, {}, sure, {}, {}, style};
  }

  const Common& common_;
  Table table_;
  bool headed_ = false;
};

/// Where to go on, and what has been done so far; outlives connections.
struct Progress {
  std::optional<std::string> cursor;  ///< none: at the latest event; empty: at the oldest
  std::uint64_t printed = 0;
  bool connected = false;  ///< the last stream got an answer
};

v1::CallEventType type_of(const std::string& text) {
  v1::CallEventType type{};
  v1::CallEventType_Parse("CALL_EVENT_TYPE_" + upper(text), &type);
  return type;
}

v1::StreamCallEventsRequest start_request(const CallsOptions& options, const Progress& progress) {
  v1::StreamCallEventsRequest request;
  v1::CallEventsStart& start = *request.mutable_start();
  for (const std::string& pool : options.pools) start.add_pools(pool_resource_of(pool));
  for (const std::string& type : options.types) start.add_types(type_of(type));
  if (options.share) start.set_mode(v1::CONSUMER_MODE_SHARE);
  start.set_until_latest(!options.follow);
  if (!options.subscription.empty()) {
    start.set_subscription(options.subscription);
  } else if (!progress.cursor) {
    start.set_latest(true);
  } else if (progress.cursor->empty()) {
    start.set_oldest(true);
  } else {
    start.set_cursor(*progress.cursor);
  }
  return request;
}

/// Reads one stream; OK when all that was asked for has been printed.
grpc::Status read_stream(const Common& common, v1::CallService::Stub& stub, const CallsOptions& options,
                         Progress& progress, EventPrinter& printer) {
  grpc::ClientContext context;
  authorise(context, common);
  Patience patience(context, common.timeout);
  const auto stream = stub.StreamCallEvents(&context);
  stream->Write(start_request(options, progress));
  const bool acknowledges = !options.subscription.empty();
  if (!acknowledges) stream->WritesDone();
  stream->WaitForInitialMetadata();
  const auto& metadata = context.GetServerInitialMetadata();
  const auto latest = metadata.find(rpc::kLatestCursorKey);
  progress.connected = latest != metadata.end();

  const auto enough = [&] { return options.limit != 0 && progress.printed >= options.limit; };
  if (progress.connected) {
    // Who follows waits for as long as it takes.
    if (options.follow) patience.end();
    printer.heading();
    if (!progress.cursor) progress.cursor = std::string(latest->second.data(), latest->second.size());
    v1::StreamCallEventsResponse response;
    while (!enough() && stream->Read(&response)) {
      patience.rest();
      printer.print(response.event());
      ++progress.printed;
      progress.cursor = response.event().cursor();
      if (acknowledges) {
        v1::StreamCallEventsRequest acknowledgement;
        acknowledgement.set_ack_cursor(*progress.cursor);
        stream->Write(acknowledgement);
      }
      patience.renew();
    }
    if (enough()) {
      if (acknowledges) stream->WritesDone();
      context.TryCancel();
      stream->Finish();
      return grpc::Status::OK;
    }
  }
  return patience.status_of(stream->Finish());
}

}  // namespace

int calls(const Common& common, const CallsOptions& options) {
  constexpr std::chrono::milliseconds kFirstWait{200};
  constexpr std::chrono::milliseconds kLongestWait{5000};

  Progress progress;
  if (!options.from.empty() || !options.follow) {
    progress.cursor = options.from == "oldest" ? std::string() : options.from;
  }
  EventPrinter printer(common);
  const auto stub = v1::CallService::NewStub(connect(common));
  std::chrono::milliseconds wait = kFirstWait;
  bool ever_connected = false;
  for (;;) {
    const grpc::Status status = read_stream(common, *stub, options, progress, printer);
    if (status.ok()) return kExitOk;
    // A gateway that answered, if only that its log is away, will answer again; an address where nobody ever
    // did is the user's to look at.
    const bool silent = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    ever_connected = ever_connected || progress.connected || !(silent || is_unreachable(status));
    if (progress.connected) wait = kFirstWait;
    const bool again =
        options.follow && ever_connected && (silent || status.error_code() == grpc::StatusCode::UNAVAILABLE);
    if (!again) return report(common, status);
    complain(common.json, Complaint::kUnreachable,
             status.error_message() + "; connecting again in " + std::to_string(wait.count()) + " ms");
    std::this_thread::sleep_for(wait);
    wait = std::min(wait * 2, kLongestWait);
  }
}

}  // namespace ringtrace::ctl
