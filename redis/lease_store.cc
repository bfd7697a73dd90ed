#include "redis/lease_store.h"

#include <utility>

#include "redis/keys.h"
#include "redis/lease_call.h"
#include "redis/lease_text.h"
#include "redis/lease_writer.h"

namespace ringtrace::redis {
namespace {

// Of a step's encoding: only to reserve memory.
constexpr std::size_t kBytesOfStep = 160;

}  // namespace

RedisLeaseStore::RedisLeaseStore(Connection& connection, Claims& claims, LeaseStoreOptions options)
    : connection_(connection), writer_(std::make_shared<LeaseWriter>(connection, claims, options)) {}

RedisLeaseStore::~RedisLeaseStore() { writer_->stop(); }

std::size_t RedisLeaseStore::outstanding() const { return writer_->outstanding(); }

namespace {

LeaseStep step_of(std::string_view kind, std::string pool, pool::Number number, std::string_view visit) {
  LeaseStep step;
  step.kind = kind;
  step.block = block_of(number);
  step.number = number.digits();
  step.visit = visit_bits(visit);
  step.arguments.reserve(kBytesOfStep + visit.size());
  step.arguments.add(number.digits());
  step.pool = std::move(pool);
  return step;
}

LeaseStep end_step(std::string_view kind, pool::LeaseEnd end, pool::Time now, pool::LeaseStore::Done done) {
  LeaseStep step = step_of(kind, std::move(end.pool), end.number, end.visit_id);
  step.arguments.add(visit_word(step.visit));
  step.arguments.add(end.visit_id);
  step.arguments.add(to_text(end.end));
  step.now = now;
  step.asked = end.end;
  step.done = std::move(done);
  return step;
}

}  // namespace

void RedisLeaseStore::lease(pool::LeaseRecord record, pool::Time now, Done done) {
  const std::string attributes = attributes_to_json(record.attributes);
  LeaseStep step =
      step_of(attributes.empty() ? "lease" : "named", std::move(record.pool), record.number, record.visit_id);
  step.arguments.add(visit_word(step.visit));
  step.arguments.add(to_lease_text(record));
  if (!attributes.empty()) step.arguments.add(attributes);
  step.now = now;
  step.asked = record.expire;
  step.hold = record.hold;
  step.done = std::move(done);
  writer_->write(std::move(step));
}

void RedisLeaseStore::renew(pool::LeaseRecord record, pool::Time now, Done done) {
  LeaseStep step = step_of("renew", std::move(record.pool), record.number, record.visit_id);
  step.arguments.add(record.visit_id);
  step.arguments.add(to_text(record.expire));
  step.arguments.add(std::to_string(record.hold.count()));
  step.now = now;
  step.asked = record.expire;
  step.hold = record.hold;
  step.done = std::move(done);
  writer_->write(std::move(step));
}

void RedisLeaseStore::release(pool::LeaseEnd end, pool::Time now, Done done) {
  writer_->write(end_step("release", std::move(end), now, std::move(done)));
}

void RedisLeaseStore::expire(pool::LeaseEnd end, pool::Time now, Done done) {
  writer_->write(end_step("expire", std::move(end), now, std::move(done)));
}

}  // namespace ringtrace::redis
