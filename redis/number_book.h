#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pool/number.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// What was said last of a number of a pool, beside what the configuration says.
enum class NumberWord : std::uint8_t { kAdded, kDrained, kNothing };

/// A number and what was said of it: kAdded or kDrained.
struct KeptNumber {
  pool::Number number;
  NumberWord word = NumberWord::kAdded;
};

/// The numbers that were added to pools and drained from them while the gateway ran: a hash a pool, number's
/// digits to `added` or `drained`. It has no expiry, and as many entries as the pool has room for numbers.
/// Any thread may call; callbacks come on the connection's io thread, or from inside the call when Redis is
/// away. The connection outlives the book.
class RedisNumberBook {
 public:
  using KeepDone = std::function<void(bool kept)>;
  using Batch = std::function<void(std::vector<KeptNumber>)>;
  using Loaded = std::function<void(const std::string& problem)>;

  explicit RedisNumberBook(Connection& connection) : connection_(connection) {}

  /// Keeps the word for all of the numbers, kNothing by forgetting what was said; all of them or none.
  void keep(const std::string& pool, std::span<const pool::Number> numbers, NumberWord word, KeepDone done);

  /// Reads a pool's book: `batch` with some at a time, a number perhaps twice, then `loaded` once, with an
  /// empty text or why not. What is no entry of ours is left alone.
  void load(const std::string& pool, Batch batch, Loaded loaded);

 private:
  struct Load;
  static void scan(Connection& connection, const std::shared_ptr<Load>& load, const std::string& cursor);

  Connection& connection_;
};

}  // namespace ringtrace::redis
