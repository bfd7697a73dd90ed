#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringtrace::gateway {

enum class MetricKind : std::uint8_t { kCounter, kGauge, kHistogram };

/// Every metric there is, in the order of the table.
enum class Metric : std::uint8_t {
  kBuildInfo,
  kUptime,
  kClockOffset,
  kReady,
  kLogLines,
  kLogDropped,

  kPoolNumbers,
  kPoolNondurable,
  kPoolLeases,
  kPoolExhausted,
  kPoolRenewals,
  kPoolReleases,
  kPoolExpiries,
  kPoolSticky,
  kPoolOldestIdle,
  kPoolIdle,
  kPoolShown,
  kPoolAttributesDropped,
  kPoolMemory,

  kLeasingAnswers,
  kLeasingConflicts,
  kLeasingReplayed,
  kLeasingWaiting,

  kResolutions,
  kCallsStarted,
  kCalls,
  kCallsClosedUnknown,
  kCallsLive,
  kSipTransactions,
  kSipTransactionsCutShort,
  kSipRefusals,
  kSipMessages,
  kSipRetransmissions,
  kSipSendFailures,
  kSipNewCallWait,
  kLineFailovers,
  kLineUp,
  kTrunkRegistered,
  kTrunkRegistrations,
  kDnsFailures,

  kStoreConnected,
  kStoreConnects,
  kStoreFailures,
  kStoreQueue,
  kStoreQueueBytes,
  kStoreCommands,
  kStoreLost,
  kStoreRoundTrip,
  kStoreRoundTripMax,

  kEventsWaiting,
  kEventsAppended,
  kEventsDropped,
  kAcknowledgementsWaiting,
  kEventsSpoolBytes,
  kEventsUnspooled,
  kEventsRecovered,
  kCallsClosedByAge,
  kEventsRedacted,
  kCallersErased,
  kCallsErased,

  kLateAttributions,
  kLateAttributionsWaiting,

  kHeldBack,
  kHeldBackUntil,
  kLeaseJournalBytes,

  kGrpcRequests,
  kGrpcErrors,
  kGrpcCertificateExpiry,
  kGrpcHandshakesFailed,
  kGrpcStreams,
  kGrpcStreamsRefused,
  kGrpcEventsSent,

  kHttpOpen,
  kHttpConnections,
  kHttpAnswers,

  kCount,
};

/// What a metric is called and means; the only place where it stands.
struct MetricSpec {
  Metric metric = Metric::kCount;
  MetricKind kind = MetricKind::kGauge;
  std::string_view name;
  std::string_view help;
};

/// Indexed by Metric.
std::span<const MetricSpec> metric_table();

}  // namespace ringtrace::gateway
