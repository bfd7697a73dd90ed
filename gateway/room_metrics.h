#pragma once

#include <optional>

#include "gateway/caller_eraser.h"
#include "gateway/event_spool.h"
#include "gateway/http_port.h"
#include "gateway/log.h"
#include "gateway/memory_call_log.h"
#include "gateway/metrics.h"
#include "gateway/store_part.h"
#include "grpc/statistics.h"
#include "pool/time.h"
#include "redis/call_log.h"
#include "redis/connection.h"
#include "sip/peer_report.h"
#include "sip/stats.h"

namespace ringtrace::gateway {

// What each room has to tell, as samples.

void add_store_samples(const redis::ConnectionStats& stats, Samples& samples);
void add_store_event_samples(const redis::CallLogStats& stats, const EventSpoolStats& spool,
                             Samples& samples);
void add_aftermath_samples(StorePart& store, const pool::NumberPools& pools, Samples& samples);
void add_memory_event_samples(const MemoryCallLog& log, Samples& samples);
void add_erasure_samples(const ErasureStats& stats, Samples& samples);
void add_sip_samples(const sip::ProxyStats& stats, Samples& samples);
void add_peer_samples(const sip::PeerReport& report, Samples& samples);
void add_grpc_samples(const rpc::StatisticsSnapshot& stats, std::optional<pool::Time> certificate_expiry,
                      Samples& samples);
void add_http_samples(const HttpStats& stats, Samples& samples);
void add_log_samples(const Log& log, Samples& samples);

}  // namespace ringtrace::gateway
