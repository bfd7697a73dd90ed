#include "gateway/room_metrics.h"

#include <ringtrace/v1/call.pb.h>

#include <array>
#include <string>
#include <string_view>

#include "grpc/library_log.h"

namespace ringtrace::gateway {
namespace {

std::uint64_t value(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

/// "no_answer" of CALL_OUTCOME_NO_ANSWER.
std::string outcome_label(std::size_t outcome) {
  constexpr std::string_view kPrefix = "CALL_OUTCOME_";
  std::string name = v1::CallOutcome_Name(static_cast<v1::CallOutcome>(outcome));
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

}  // namespace

void add_store_samples(const redis::ConnectionStats& stats, Samples& samples) {
  samples.add(Metric::kStoreConnected, {}, stats.ready ? 1.0 : 0.0);
  samples.add(Metric::kStoreConnects, {}, stats.connects);
  samples.add(Metric::kStoreFailures, {}, stats.failures);
  samples.add(Metric::kStoreQueue, {{"state", "waiting"}}, stats.waiting);
  samples.add(Metric::kStoreQueue, {{"state", "in_flight"}}, stats.in_flight);
  samples.add(Metric::kStoreQueueBytes, {}, stats.waiting_bytes);
  samples.add(Metric::kStoreCommands, {}, stats.commands);
  samples.add(Metric::kStoreLost, {{"reason", "overflow"}}, stats.overflows);
  samples.add(Metric::kStoreLost, {{"reason", "not_connected"}}, stats.unavailable);
  samples.add(Metric::kStoreLost, {{"reason", "in_doubt"}}, stats.in_doubt);
  constexpr double kMicro = 1e-6;
  std::array<double, redis::ConnectionStats::kBoundsMicros.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = static_cast<double>(redis::ConnectionStats::kBoundsMicros[i]) * kMicro;
  }
  samples.add_histogram(Metric::kStoreRoundTrip, {}, bounds, stats.round_trips,
                        static_cast<double>(stats.round_trip_sum_micros) * kMicro);
  samples.add(Metric::kStoreRoundTripMax, {}, static_cast<double>(stats.round_trip_max_micros) * kMicro);
}

void add_store_event_samples(const redis::CallLogStats& stats, const EventSpoolStats& spool,
                             Samples& samples) {
  samples.add(Metric::kEventsWaiting, {}, stats.queued + spool.waiting);
  samples.add(Metric::kEventsAppended, {}, stats.written);
  samples.add(Metric::kEventsRedacted, {}, stats.redacted);
  samples.add(Metric::kEventsDropped, {{"reason", "no_room"}}, spool.dropped);
  samples.add(Metric::kEventsDropped, {{"reason", "late"}}, stats.late);
  samples.add(Metric::kEventsDropped, {{"reason", "closing_unknown"}}, stats.unknown_closings);
  samples.add(Metric::kEventsSpoolBytes, {}, spool.file_bytes);
  samples.add(Metric::kEventsUnspooled, {}, spool.unspooled);
  samples.add(Metric::kEventsRecovered, {}, spool.recovered);
}

void add_aftermath_samples(StorePart& store, const pool::NumberPools& pools, Samples& samples) {
  for (std::uint32_t i = 0; i < pools.pool_count(); ++i) {
    const std::string_view name = pools.config({i}).name.view();
    const Aftermath::Held held = store.held_back({i});
    const std::chrono::duration<double> until = held.until.time_since_epoch();
    samples.add(Metric::kHeldBack, {{"pool", name}}, held.numbers);
    samples.add(Metric::kHeldBackUntil, {{"pool", name}}, until.count());
  }
  const LateAttributionStats late = store.late_stats();
  samples.add(Metric::kLateAttributions, {{"result", "updated"}}, late.updated);
  samples.add(Metric::kLateAttributions, {{"result", "confirmed"}}, late.confirmed);
  samples.add(Metric::kLateAttributions, {{"result", "dropped"}}, late.dropped);
  samples.add(Metric::kLateAttributionsWaiting, {}, late.waiting);
  samples.add(Metric::kLeaseJournalBytes, {}, store.journal_bytes());
  samples.add(Metric::kCallsClosedByAge, {}, store.calls_closed_by_age());
}

void add_memory_event_samples(const MemoryCallLog& log, Samples& samples) {
  samples.add(Metric::kEventsWaiting, {}, 0.0);
  samples.add(Metric::kEventsAppended, {}, log.appended());
  samples.add(Metric::kEventsDropped, {{"reason", "made_room"}}, log.dropped());
  samples.add(Metric::kEventsRedacted, {}, log.redacted());
}

void add_erasure_samples(const ErasureStats& stats, Samples& samples) {
  samples.add(Metric::kCallersErased, {}, stats.callers);
  samples.add(Metric::kCallsErased, {}, stats.calls);
}

void add_sip_samples(const sip::ProxyStats& stats, Samples& samples) {
  samples.add(Metric::kCallsStarted, {}, value(stats.calls_started));
  for (std::size_t i = 1; i < stats.calls_ended.size(); ++i) {
    samples.add(Metric::kCalls, {{"outcome", outcome_label(i)}}, value(stats.calls_ended[i]));
  }
  samples.add(Metric::kCallsClosedUnknown, {}, value(stats.calls_closed_unknown));
  samples.add(Metric::kCallsLive, {}, value(stats.live_calls));
  samples.add(Metric::kSipTransactions, {}, value(stats.live_transactions));
  samples.add(Metric::kSipTransactionsCutShort, {}, value(stats.transactions_cut_short));
  for (std::size_t i = 0; i < stats.refused.size(); ++i) {
    samples.add(Metric::kSipRefusals, {{"reason", sip::refusal_name(static_cast<sip::Refusal>(i))}},
                value(stats.refused[i]));
  }
  samples.add(Metric::kSipMessages, {{"kind", "request_received"}}, value(stats.requests_received));
  samples.add(Metric::kSipMessages, {{"kind", "response_received"}}, value(stats.responses_received));
  samples.add(Metric::kSipMessages, {{"kind", "sent"}}, value(stats.messages_sent));
  samples.add(Metric::kSipRetransmissions, {{"kind", "absorbed"}}, value(stats.retransmissions_absorbed));
  samples.add(Metric::kSipRetransmissions, {{"kind", "sent"}}, value(stats.retransmissions_sent));
  samples.add(Metric::kSipSendFailures, {}, value(stats.send_failures));
  samples.add(Metric::kSipNewCallWait, {}, static_cast<double>(stats.new_call_wait_us.load()) / 1e6);
  samples.add(Metric::kLineFailovers, {}, value(stats.line_failovers));
}

void add_peer_samples(const sip::PeerReport& report, Samples& samples) {
  for (const sip::LineReport& line : report.lines) {
    samples.add(Metric::kLineUp, {{"group", line.group}, {"line", line.line}, {"place", line.place}},
                line.up ? 1.0 : 0.0);
  }
  for (const sip::TrunkReport& trunk : report.trunks) {
    if (!trunk.registers) continue;
    for (std::size_t i = 0; i < sip::kRegistrationStateCount; ++i) {
      const auto state = static_cast<sip::RegistrationState>(i);
      samples.add(Metric::kTrunkRegistered,
                  {{"trunk", trunk.name}, {"state", sip::registration_state_name(state)}},
                  trunk.state == state ? 1.0 : 0.0);
    }
    samples.add(Metric::kTrunkRegistrations, {{"trunk", trunk.name}, {"result", "ok"}}, trunk.refreshes);
    samples.add(Metric::kTrunkRegistrations, {{"trunk", trunk.name}, {"result", "failed"}}, trunk.failures);
  }
  samples.add(Metric::kDnsFailures, {}, report.dns_failures);
}

void add_grpc_samples(const rpc::StatisticsSnapshot& stats, std::optional<pool::Time> certificate_expiry,
                      Samples& samples) {
  for (const rpc::RequestCount& request : stats.requests) {
    samples.add(Metric::kGrpcRequests, {{"method", request.method}, {"code", request.code}}, request.count);
  }
  for (const rpc::ErrorCount& error : stats.errors) {
    samples.add(Metric::kGrpcErrors, {{"reason", error.reason}}, error.count);
  }
  if (certificate_expiry) {
    samples.add(Metric::kGrpcHandshakesFailed, {}, rpc::failed_handshakes());
    const std::chrono::duration<double> seconds = certificate_expiry->time_since_epoch();
    samples.add(Metric::kGrpcCertificateExpiry, {}, seconds.count());
  }
  samples.add(Metric::kGrpcStreams, {}, stats.streams_open);
  samples.add(Metric::kGrpcStreamsRefused, {}, stats.streams_refused);
  samples.add(Metric::kGrpcEventsSent, {}, stats.events_sent);
}

void add_http_samples(const HttpStats& stats, Samples& samples) {
  samples.add(Metric::kHttpOpen, {}, stats.open);
  samples.add(Metric::kHttpConnections, {{"event", "accepted"}}, stats.accepted);
  samples.add(Metric::kHttpConnections, {{"event", "refused"}}, stats.refused);
  samples.add(Metric::kHttpConnections, {{"event", "timed_out"}}, stats.timeouts);
  samples.add(Metric::kHttpConnections, {{"event", "malformed"}}, stats.malformed);
  samples.add(Metric::kHttpAnswers, {}, stats.answers);
}

void add_log_samples(const Log& log, Samples& samples) {
  for (const LogLevel level :
       {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    samples.add(Metric::kLogLines, {{"level", to_string(level)}}, log.lines(level));
  }
  samples.add(Metric::kLogDropped, {}, log.dropped());
}

}  // namespace ringtrace::gateway
