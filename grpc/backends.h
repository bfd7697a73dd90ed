#pragma once

#include <cstdint>
#include <functional>

#include "grpc/call_event_log.h"
#include "grpc/call_index.h"
#include "grpc/caller_eraser.h"
#include "grpc/number_book.h"
#include "grpc/subscription_store.h"
#include "pool/leasing.h"

namespace ringtrace::rpc {

/// What the services stand on; the gateway provides each, from the store or from memory. All outlive the
/// server.
struct Backends {
  pool::Leasing& leasing;
  CallEventLog& events;
  CallIndex& calls;
  SubscriptionStore& subscriptions;
  NumberBook& numbers;
  CallerEraser& eraser;

  /// How many of a pool's reservations are numbers that are held back because they may stand in browsers.
  /// Called from any thread.
  std::function<std::uint64_t(pool::PoolIndex)> held_back = [](pool::PoolIndex) { return std::uint64_t{0}; };
};

}  // namespace ringtrace::rpc
