#include "redis/keys.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "redis/sha1.h"

namespace ringtrace::redis {
namespace {

// How many there are below kNumbersPerBlock.
constexpr std::size_t kFieldDigits = 5;

std::string shard_prefix(std::string_view pool) { return "rt:{" + std::string(pool) + ":0}"; }

}  // namespace

std::string to_text(pool::Time time) { return std::to_string(time.time_since_epoch().count()); }

std::string lease_key(std::string_view pool, pool::Number number) {
  return lease_key_of_block(pool, block_of(number));
}

std::string attributes_key(std::string_view pool, pool::Number number) {
  return attributes_key_of_block(pool, block_of(number));
}

std::uint64_t visit_bits(std::string_view visit_id) {
  const std::array<std::uint8_t, 20> hash = sha1(visit_id);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 5; ++i) bits = bits << 8U | hash[i];
  return bits >> 4U;
}

std::string visit_word(std::uint64_t bits) {
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string word(6, 'A');
  for (std::size_t i = word.size(); i > 0; bits >>= 6U) word[--i] = kBase64[bits & 0x3FU];
  return word;
}

std::string visits_key(std::string_view pool) { return shard_prefix(pool) + ":visits"; }

std::string numbers_key(std::string_view pool) { return shard_prefix(pool) + ":numbers"; }

std::string holders_key(std::string_view pool, pool::Number number) {
  return shard_prefix(pool) + ":holders:" + std::to_string(number.digits());
}

std::string blocks_key(std::string_view pool) { return shard_prefix(pool) + ":lease_blocks"; }

std::string owner_key(std::string_view pool) { return shard_prefix(pool) + ":owner"; }

std::string field_of(pool::Number number) {
  const std::string digits = std::to_string(number.digits());
  return digits.substr(digits.size() - std::min(digits.size(), kFieldDigits));
}

std::optional<pool::Number> number_at(std::uint64_t block, std::string_view field) {
  std::uint64_t last = 0;
  const char* const end = field.data() + field.size();
  const auto [stop, problem] = std::from_chars(field.data(), end, last);
  if (problem != std::errc{} || stop != end || last >= kNumbersPerBlock) return std::nullopt;
  const auto number = pool::Number::from_digits(block * kNumbersPerBlock + last);
  return number && field_of(*number) == field ? number : std::nullopt;
}

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
