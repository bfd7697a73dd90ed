#pragma once

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
};

}  // namespace ringtrace::rpc
