#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 16'777'619U;
  }
  return hash;
}

std::string shard_prefix(std::string_view pool) { return "rt:{" + std::string(pool) + ":0}"; }

std::string block_of(pool::Number number) { return std::to_string(number.digits() / kNumbersPerBlock); }

}  // namespace

std::string lease_key(std::string_view pool, pool::Number number) {
  return lease_key_of_block(pool, block_of(number));
}

std::string attributes_key(std::string_view pool, pool::Number number) {
  return attributes_key_of_block(pool, block_of(number));
}

std::string visit_key(std::string_view pool, std::string_view visit_id) {
  return shard_prefix(pool) + ":visit:" + std::to_string(fnv1a(visit_id) % kVisitBuckets);
}

std::string numbers_key(std::string_view pool) { return shard_prefix(pool) + ":numbers"; }

std::string holders_key(std::string_view pool, pool::Number number) {
  return shard_prefix(pool) + ":holders:" + std::to_string(number.digits());
}

std::string blocks_key(std::string_view pool) { return shard_prefix(pool) + ":blocks"; }

std::string owner_key(std::string_view pool) { return shard_prefix(pool) + ":owner"; }

std::string lease_key_of_block(std::string_view pool, std::string_view block) {
  return shard_prefix(pool) + ":lease:" + std::string(block);
}

std::string attributes_key_of_block(std::string_view pool, std::string_view block) {
  return shard_prefix(pool) + ":attr:" + std::string(block);
}

std::string calls_key(std::string_view kind, std::string_view word) {
  return std::string(kCallsKey) + ":" + std::string(kind) + ":" + std::string(word);
}

std::string call_key(std::string_view call_id) { return "rt:{calls}:call:" + std::string(call_id); }

std::string seen_key(std::string_view call_id) { return "rt:{calls}:seen:" + std::string(call_id); }

std::string callers_key(std::string_view hash) { return "rt:{calls}:callers:" + std::string(hash); }

std::string erased_key(std::string_view hash) { return "rt:{calls}:erased:" + std::string(hash); }

}  // namespace ringtrace::redis
