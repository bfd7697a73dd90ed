#include "gateway/metrics_table.h"

#include <array>

namespace ringtrace::gateway {
namespace {

using enum MetricKind;

constexpr auto kTable = std::to_array<MetricSpec>({
    {Metric::kBuildInfo, kGauge, "ringtrace_build_info", "Always 1; the version is in the label."},
    {Metric::kUptime, kGauge, "ringtrace_uptime_seconds", "Seconds since the gateway started."},
    {Metric::kClockOffset, kGauge, "ringtrace_clock_offset_seconds",
     "How far the machine's civil time is ahead of the gateway's own clock, which never steps."},
    {Metric::kReady, kGauge, "ringtrace_ready", "1 when /readyz answers 200."},
    {Metric::kLogLines, kCounter, "ringtrace_log_lines_total", "Log lines by level."},
    {Metric::kLogDropped, kCounter, "ringtrace_log_lines_dropped_total",
     "Log lines dropped because too many waited to be written."},

    {Metric::kPoolNumbers, kGauge, "ringtrace_pool_numbers", "Numbers of a pool by state."},
    {Metric::kPoolNondurable, kGauge, "ringtrace_pool_nondurable_leases",
     "Leased numbers whose lease the store does not know."},
    {Metric::kPoolLeases, kCounter, "ringtrace_leases_total", "Requests for a number by result."},
    {Metric::kPoolExhausted, kCounter, "ringtrace_leases_exhausted_total",
     "Requests for a number that found none free."},
    {Metric::kPoolRenewals, kCounter, "ringtrace_lease_renewals_total", "Leases extended by a heartbeat."},
    {Metric::kPoolReleases, kCounter, "ringtrace_lease_releases_total", "Leases ended by request."},
    {Metric::kPoolExpiries, kCounter, "ringtrace_lease_expiries_total", "Leases ended by time."},
    {Metric::kPoolSticky, kCounter, "ringtrace_leases_sticky_total",
     "Leases that gave a returning visitor the number it had before."},
    {Metric::kPoolOldestIdle, kGauge, "ringtrace_pool_oldest_idle_seconds",
     "How long the number that will be lent next has been idle; absent when it was never lent or none is "
     "free."},
    {Metric::kPoolIdle, kHistogram, "ringtrace_pool_idle_seconds",
     "How long numbers had been idle when they were lent again."},
    {Metric::kPoolShown, kCounter, "ringtrace_pool_shown_total", "Numbers shown by source."},
    {Metric::kPoolAttributesDropped, kCounter, "ringtrace_pool_attributes_dropped_total",
     "Visits whose attributes found no room in memory."},
    {Metric::kPoolMemory, kGauge, "ringtrace_pool_memory_bytes", "Memory of all pools, fixed at start."},

    {Metric::kLeasingAnswers, kCounter, "ringtrace_leasing_answers_total",
     "Answers to leases and renewals, by what the store had to say."},
    {Metric::kLeasingConflicts, kCounter, "ringtrace_leasing_conflicts_total",
     "Numbers that memory and store gave to different visits."},
    {Metric::kLeasingReplayed, kCounter, "ringtrace_leasing_replayed_total",
     "Records written after the store came back."},
    {Metric::kLeasingWaiting, kGauge, "ringtrace_leasing_waiting", "Requests waiting for the store."},

    {Metric::kResolutions, kCounter, "ringtrace_call_resolutions_total",
     "Calls by how their number was resolved."},
    {Metric::kCallsStarted, kCounter, "ringtrace_calls_started_total", "Calls taken from trunks."},
    {Metric::kCalls, kCounter, "ringtrace_calls_total", "Calls ended, by outcome."},
    {Metric::kCallsClosedUnknown, kCounter, "ringtrace_calls_closed_unknown_total",
     "Calls ended that another process had begun; their events are made from the store."},
    {Metric::kCallsLive, kGauge, "ringtrace_calls_live", "Calls now."},
    {Metric::kSipTransactions, kGauge, "ringtrace_sip_transactions",
     "SIP requests on their way now, or remembered because they may come again."},
    {Metric::kSipTransactionsCutShort, kCounter, "ringtrace_sip_transactions_cut_short_total",
     "Finished SIP requests remembered for less than 32 s, because there were too many."},
    {Metric::kSipRefusals, kCounter, "ringtrace_sip_refusals_total",
     "Requests dropped or answered with an error of our own, by reason."},
    {Metric::kSipMessages, kCounter, "ringtrace_sip_messages_total", "SIP messages by kind."},
    {Metric::kSipRetransmissions, kCounter, "ringtrace_sip_retransmissions_total",
     "Retransmissions: received and absorbed, or sent."},
    {Metric::kSipSendFailures, kCounter, "ringtrace_sip_send_failures_total",
     "SIP messages that could not be sent."},
    {Metric::kSipNewCallWait, kGauge, "ringtrace_sip_new_call_wait_seconds",
     "How long the latest request for a new call had waited to be served; overload shows here first."},
    {Metric::kLineFailovers, kCounter, "ringtrace_line_failovers_total",
     "Calls that went on to the next line of their group."},
    {Metric::kLineUp, kGauge, "ringtrace_line_up",
     "1 while a line's place answers; 0 while it is tried after all others only, or its name leads nowhere."},
    {Metric::kTrunkRegistered, kGauge, "ringtrace_trunk_registered",
     "1 for the state that a registered trunk's account is in."},
    {Metric::kTrunkRegistrations, kCounter, "ringtrace_trunk_registrations_total",
     "REGISTERs sent for a trunk, by result."},
    {Metric::kDnsFailures, kCounter, "ringtrace_sip_dns_failures_total",
     "Questions for a line's or registrar's name that DNS did not answer usefully."},

    {Metric::kStoreConnected, kGauge, "ringtrace_store_connected",
     "1 when the store is ready for commands. Absent without a store."},
    {Metric::kStoreConnects, kCounter, "ringtrace_store_connects_total", "Times the store became ready."},
    {Metric::kStoreFailures, kCounter, "ringtrace_store_connection_failures_total",
     "Attempts to connect that failed, and connections lost."},
    {Metric::kStoreQueue, kGauge, "ringtrace_store_queue_commands",
     "Commands by state: waiting to be sent, or sent and not answered yet."},
    {Metric::kStoreQueueBytes, kGauge, "ringtrace_store_queue_bytes", "Encoded bytes of those commands."},
    {Metric::kStoreCommands, kCounter, "ringtrace_store_commands_total", "Commands sent to the store."},
    {Metric::kStoreLost, kCounter, "ringtrace_store_commands_lost_total",
     "Commands without an answer, by reason."},
    {Metric::kStoreRoundTrip, kHistogram, "ringtrace_store_round_trip_seconds",
     "From sending a command to its answer."},
    {Metric::kStoreRoundTripMax, kGauge, "ringtrace_store_round_trip_max_seconds",
     "The longest of them since start."},

    {Metric::kEventsWaiting, kGauge, "ringtrace_events_waiting", "Call events not in the log yet."},
    {Metric::kEventsAppended, kCounter, "ringtrace_events_appended_total", "Call events put into the log."},
    {Metric::kEventsDropped, kCounter, "ringtrace_events_dropped_total",
     "Call events that never reached the log, by reason."},
    {Metric::kAcknowledgementsWaiting, kGauge, "ringtrace_subscription_acknowledgements_waiting",
     "Named subscriptions with an acknowledgement that the store has not taken yet."},
    {Metric::kEventsSpoolBytes, kGauge, "ringtrace_events_spool_bytes",
     "Size of the call events in the state directory that Redis has not acknowledged."},
    {Metric::kEventsUnspooled, kCounter, "ringtrace_events_unspooled_total",
     "Call events for which the spool had no room: in memory only until Redis has them."},
    {Metric::kEventsRecovered, kCounter, "ringtrace_events_recovered_total",
     "Call events taken over from an earlier process' spool."},
    {Metric::kCallsClosedByAge, kCounter, "ringtrace_calls_closed_by_age_total",
     "Calls of killed gateways whose end nobody saw, closed by their age."},
    {Metric::kEventsRedacted, kCounter, "ringtrace_events_redacted_total",
     "Call events kept without caller or visit, because they were erased or had been kept long enough."},
    {Metric::kCallersErased, kCounter, "ringtrace_callers_erased_total", "Callers erased."},
    {Metric::kCallsErased, kCounter, "ringtrace_calls_erased_total",
     "Calls that told something personal until their caller was erased."},

    {Metric::kLateAttributions, kCounter, "ringtrace_late_attributions_total",
     "Calls the holder log was asked about, by what came of it."},
    {Metric::kLateAttributionsWaiting, kGauge, "ringtrace_late_attributions_waiting",
     "Calls the holder log is still to be asked about."},

    {Metric::kHeldBack, kGauge, "ringtrace_pool_held_back_numbers",
     "Numbers not lent because the store may have lost leases of them; part of the state reserved."},
    {Metric::kHeldBackUntil, kGauge, "ringtrace_pool_held_back_until_seconds",
     "When they may be lent again, in Unix seconds; 0 when there are none."},
    {Metric::kLeaseJournalBytes, kGauge, "ringtrace_lease_journal_bytes",
     "Size of the leases in the state directory that the store has not acknowledged."},

    {Metric::kGrpcRequests, kCounter, "ringtrace_grpc_requests_total",
     "gRPC calls ended, by method and status code."},
    {Metric::kGrpcErrors, kCounter, "ringtrace_grpc_errors_total",
     "gRPC calls that ended with an error, by its reason."},
    {Metric::kGrpcCertificateExpiry, kGauge, "ringtrace_grpc_certificate_expiry_timestamp_seconds",
     "When the gateway's certificate expires, Unix time; absent without TLS."},
    {Metric::kGrpcHandshakesFailed, kCounter, "ringtrace_grpc_tls_handshakes_failed_total",
     "TLS handshakes on the gRPC port that failed; absent without TLS."},
    {Metric::kGrpcStreams, kGauge, "ringtrace_grpc_streams",
     "Streams open now: of call events, of leases, of pools."},
    {Metric::kGrpcStreamsRefused, kCounter, "ringtrace_grpc_streams_refused_total",
     "Streams refused because too many were open."},
    {Metric::kGrpcEventsSent, kCounter, "ringtrace_grpc_events_sent_total",
     "Call events handed to clients, over all streams."},

    {Metric::kHttpOpen, kGauge, "ringtrace_http_open_connections", "HTTP connections open now."},
    {Metric::kHttpConnections, kCounter, "ringtrace_http_connections_total",
     "What happened to HTTP connections: accepted, and of these refused (too many), timed out, malformed."},
    {Metric::kHttpAnswers, kCounter, "ringtrace_http_answers_total", "HTTP answers sent."},
});

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].metric != static_cast<Metric>(i)) return false;
  }
  return kTable.size() == static_cast<std::size_t>(Metric::kCount);
}
static_assert(in_order());

}  // namespace

std::span<const MetricSpec> metric_table() { return kTable; }

}  // namespace ringtrace::gateway
