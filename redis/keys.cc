#include "redis/keys.h"

#include "redis/sha1.h"

namespace ringtrace::redis {
namespace {

std::string shard_prefix(std::string_view pool) { return "rt:{" + std::string(pool) + ":0}"; }

}  // namespace

std::string lease_key(std::string_view pool, pool::Number number) {
  return lease_key_of_block(pool, block_of(number));
}

std::string attributes_key(std::string_view pool, pool::Number number) {
  return attributes_key_of_block(pool, block_of(number));
}

VisitPlace place_of(std::string_view visit_id) {
  const std::array<std::uint8_t, 20> hash = sha1(visit_id);
  std::uint32_t field = 0;
  for (std::size_t i = 2; i < 6; ++i) field = field << 8U | hash[i];
  return {((std::uint32_t{hash[0]} << 8U) | hash[1]) % kVisitBuckets, field / 2};
}

std::string visits_key(std::string_view pool, std::uint32_t bucket) {
  return shard_prefix(pool) + ":visits:" + std::to_string(bucket);
}

std::string numbers_key(std::string_view pool) { return shard_prefix(pool) + ":numbers"; }

std::string holders_key(std::string_view pool, pool::Number number) {
  return shard_prefix(pool) + ":holders:" + std::to_string(number.digits());
}

std::string blocks_key(std::string_view pool) { return shard_prefix(pool) + ":lease_blocks"; }

std::string owner_key(std::string_view pool) { return shard_prefix(pool) + ":owner"; }

std::uint64_t block_of(pool::Number number) { return number.digits() / kNumbersPerBlock; }

std::string lease_key_of_block(std::string_view pool, std::uint64_t block) {
  return shard_prefix(pool) + ":leases:" + std::to_string(block);
}

std::string attributes_key_of_block(std::string_view pool, std::uint64_t block) {
  return shard_prefix(pool) + ":attributes:" + std::to_string(block);
}

std::string calls_key(std::string_view kind, std::string_view word) {
  return std::string(kCallsKey) + ":" + std::string(kind) + ":" + std::string(word);
}

std::string call_key(std::string_view call_id) { return "rt:{calls}:call:" + std::string(call_id); }

std::string seen_key(std::string_view call_id) { return "rt:{calls}:seen:" + std::string(call_id); }

std::string callers_key(std::string_view hash) { return "rt:{calls}:callers:" + std::string(hash); }

std::string erased_key(std::string_view hash) { return "rt:{calls}:erased:" + std::string(hash); }

}  // namespace ringtrace::redis
