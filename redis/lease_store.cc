#include "redis/lease_store.h"

#include <array>
#include <memory>
#include <utility>

#include "redis/keys.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {
namespace {

using pool::StoreReply;
using pool::StoreStatus;

std::string to_text(pool::Time time) { return std::to_string(time.time_since_epoch().count()); }
std::string to_text(pool::Number number) { return std::to_string(number.digits()); }

pool::Time to_time(const Reply& reply) { return pool::Time(pool::Duration(reply.as_integer().value_or(0))); }

/// Errors that pass by themselves, before anything was written.
bool is_passing(const Reply& error) {
  constexpr std::array kCodes = {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"};
  for (const char* const code : kCodes) {
    if (error.is_error(code)) return true;
  }
  return false;
}

StoreReply refused(std::string detail) {
  return {StoreStatus::kRefused, pool::Number(), pool::kNever, std::move(detail)};
}

StoreReply to_store_reply(const Reply& reply) {
  if (reply.is_error()) {
    if (!is_passing(reply)) return refused(reply.text);
    return {StoreStatus::kUnavailable, pool::Number(), pool::kNever, reply.text};
  }
  if (!reply.is_array() || reply.elements.empty()) return refused("not an answer of the function library");
  const std::vector<Reply>& parts = reply.elements;
  if (parts[0].is("DONE") && parts.size() == 2) {
    return {StoreStatus::kDone, pool::Number(), to_time(parts[1]), {}};
  }
  if (parts[0].is("HELD")) return {StoreStatus::kHeldByOther, pool::Number(), pool::kNever, {}};
  if (parts[0].is("NOT_HELD")) return {StoreStatus::kNotHeld, pool::Number(), pool::kNever, {}};
  if (parts[0].is("ELSEWHERE") && parts.size() == 3) {
    const auto number = pool::Number::parse(parts[2].text);
    if (number) return {StoreStatus::kVisitElsewhere, *number, to_time(parts[1]), {}};
  }
  return refused("not an answer of the function library");
}

}  // namespace

void RedisLeaseStore::lease(pool::LeaseRecord record, pool::Time now, Done done) {
  call(Command({"FCALL", "ringtrace_v1_lease", "3", lease_key(record.pool, record.number),
                visit_key(record.pool, record.visit_id), attributes_key(record.pool, record.number),
                to_text(now), to_text(record.number), record.visit_id, to_text(record.start),
                to_text(record.expire), std::to_string(record.hold.count()), escape_word(record.source),
                escape_word(record.visitor_id), attributes_to_json(record.attributes)}),
       std::move(done));
}

void RedisLeaseStore::renew(pool::LeaseRecord record, pool::Time now, Done done) {
  call(Command({"FCALL", "ringtrace_v1_renew", "3", lease_key(record.pool, record.number),
                visit_key(record.pool, record.visit_id), attributes_key(record.pool, record.number),
                to_text(now), to_text(record.number), record.visit_id, to_text(record.expire),
                std::to_string(record.hold.count())}),
       std::move(done));
}

void RedisLeaseStore::release(pool::LeaseEnd end, pool::Time now, Done done) {
  call(Command({"FCALL", "ringtrace_v1_release", "2", lease_key(end.pool, end.number),
                visit_key(end.pool, end.visit_id), to_text(now), to_text(end.number), end.visit_id,
                to_text(end.end)}),
       std::move(done));
}

void RedisLeaseStore::expire(pool::LeaseEnd end, pool::Time now, Done done) {
  call(Command({"FCALL", "ringtrace_v1_expire", "2", lease_key(end.pool, end.number),
                visit_key(end.pool, end.visit_id), to_text(now), to_text(end.number), end.visit_id,
                to_text(end.end)}),
       std::move(done));
}

void RedisLeaseStore::call(Command command, Done done) {
  connection_.execute(std::move(command), [connection = &connection_, done = std::move(done)](Answer answer) {
    switch (answer.outcome) {
      case Outcome::kUnavailable:
        return done({StoreStatus::kUnavailable, pool::Number(), pool::kNever, std::move(answer.detail)});
      case Outcome::kInDoubt:
        return done({StoreStatus::kInDoubt, pool::Number(), pool::kNever, std::move(answer.detail)});
      case Outcome::kReplied:
        break;
    }
    // Someone flushed the functions: they are loaded anew with a new connection.
    if (answer.reply.is_error("ERR Function not found")) {
      connection->reset("the function library is gone");
      return done({StoreStatus::kUnavailable, pool::Number(), pool::kNever, std::move(answer.reply.text)});
    }
    done(to_store_reply(answer.reply));
  });
}

}  // namespace ringtrace::redis
