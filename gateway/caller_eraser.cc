#include "gateway/caller_eraser.h"

#include <utility>

#include "proto/from_pool.h"
#include "redis/call_persons.h"

namespace ringtrace::gateway {

void GatewayCallerEraser::erase(std::string_view given, bool rewrites, Done done) {
  const auto number = pool::Number::parse(given);
  const std::string caller = number ? number->to_string() : std::string(given);
  if (number) leasing_.pools().forget_caller(*number);
  const pool::Time now = leasing_.clock().now();
  erased_.note(caller, now);
  erase_calls(caller, now, rewrites,
              [this, hash = key_.hash(caller), done = std::move(done)](const rpc::Erasure& erasure) {
                if (erasure.status == rpc::LogStatus::kOk) {
                  ++callers_;
                  calls_ += erasure.calls;
                  log_.info("caller erased", {{"caller_hash", hash}, {"calls", erasure.calls}});
                } else {
                  log_.warning("caller not erased: the store is away", {{"caller_hash", hash}});
                }
                done(erasure);
              });
}

void GatewayCallerEraser::redact(v1::CallEvent& event) const {
  if (erased_.redact(event)) return;
  const pool::Duration age = leasing_.clock().now() - from_timestamp(event.call().start_time());
  if (age < retention_.caller && age < retention_.attributes) return;
  redis::Persons persons = redis::take_persons(event);
  if (age >= retention_.caller) {
    persons.caller.clear();
    persons.forwarded_from.clear();
  }
  if (age >= retention_.attributes) persons.visits.clear();
  redis::put_persons(persons, event);
}

/// The store first: from then on it keeps nothing personal of what still comes from the spool.
void StoreCallerEraser::erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) {
  store_.erase(caller, rewrites,
               [this, caller, now, done = std::move(done)](const redis::CallerErased& erased) {
                 if (!erased.done) return done({});
                 spool_.erase(caller, now, [erased, done](bool clean) {
                   rpc::Erasure erasure;
                   if (clean) erasure.status = rpc::LogStatus::kOk;
                   erasure.calls = erased.calls;
                   erasure.is_rewriting = erased.is_rewriting;
                   done(erasure);
                 });
               });
}

void MemoryCallerEraser::erase_calls(const std::string& caller, pool::Time now, bool, Done done) {
  done({rpc::LogStatus::kOk, calls_in_memory_.erase(caller, now), false});
}

}  // namespace ringtrace::gateway
