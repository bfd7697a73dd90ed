#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include <set>
#include <string>
#include <variant>

#include "grpc/errors.h"
#include "pool/number_pools.h"

namespace ringtrace::rpc {

/// Pools a start may filter by.
inline constexpr int kMaxFilterPools = 100;

/// Which events a stream brings; all when both are empty.
struct EventFilter {
  std::set<std::string> pools;  ///< "pools/main"
  std::set<int> types;          ///< v1::CallEventType

  bool passes(const v1::CallEvent& event) const;
  bool operator==(const EventFilter&) const = default;
};

/// The filter of a start, whose pools must be the gateway's.
std::variant<EventFilter, Error> check_filter(const pool::NumberPools& pools,
                                              const v1::CallEventsStart& start);

}  // namespace ringtrace::rpc
