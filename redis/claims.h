#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis/connection.h"

namespace ringtrace::redis {

/// Whether the store may have forgotten writes it had acknowledged.
enum class Loss : std::uint8_t {
  kNone,      ///< it has all of them
  kPossible,  ///< Redis restarted or failed over, and its settings allow a loss
  kCertain,   ///< its books are older than what was acknowledged, or gone
};

/// What is remembered of a pool's claim from one process to the next. All empty: nothing.
struct ClaimMemory {
  std::string pool;
  std::uint64_t counter = 0;  ///< of the token
  std::uint64_t writes = 0;   ///< acknowledged ones, at least
  bool operator==(const ClaimMemory&) const = default;
};

/// A pool that was claimed, for the first time or anew.
struct Claim {
  ClaimMemory memory;         ///< to be kept for the next process
  bool again = false;         ///< this process had claimed it before: its memory is newer than the store's
  bool others_since = false;  ///< others may have had it since this gateway did, as far as it remembers
  Loss loss = Loss::kNone;
  std::string reason;  ///< of a loss; one sentence
};

struct ClaimOptions {
  std::vector<std::string> pools;
  std::string name = "gateway";              ///< told to others that want the pools
  std::chrono::milliseconds length{10'000};  ///< how long a claim stands that its owner does not extend
  bool fails_over = false;                   ///< behind the address may be another server tomorrow
  std::vector<ClaimMemory> memories;         ///< of an earlier process of this gateway
};

/// The claim of a gateway to its pools: only the owner's writes are carried out.
///
/// A claim is a token in Redis; each write of leases carries it, and Redis refuses any other. A token is
/// higher than all before it and never comes twice. The owner extends its claim three times in its length;
/// when it has run out (by Redis' clock), or its process is known to be dead, the next one that asks gets the
/// pool with a token of its own. The clock decides only when a dead owner's pools are free: a late owner is
/// refused by its token.
///
/// A process is known to be dead when this one bears the same name, asks for the first time, and Redis has no
/// connection of it any more: that is a restart, which need not wait.
///
///     Claims claims(connection, options, log);
///     claims.on_claimed([](const Claim& claim) { ... });
///     claims.on_state([] { ... });
///     connection.start();
///
/// Construct it, and add listeners, before the connection's `start`; the connection outlives it. Everything
/// is the io thread's, but for `state`, `owner` and `is_ours`.
class Claims {
 public:
  enum class State : std::uint8_t {
    kAsking,  ///< Redis has not said yet
    kOurs,    ///< all pools are ours
    kTheirs,  ///< another gateway has one of them; asked for again until it is ours
    kLost,    ///< another gateway took over what was ours. For good: what memory holds is out of date
  };

  Claims(Connection& connection, ClaimOptions options, Log log);
  ~Claims();
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;

  /// Called with each pool that was claimed, before the state changes.
  void on_claimed(std::function<void(const Claim&)> listener);
  /// Called after each change of the state, and whenever a new connection has all pools claimed anew.
  void on_state(std::function<void()> listener);

  State state() const;
  /// In kTheirs and kLost: whose the pools are and since when, such as
  /// "pool main is leased by gateway-2 since 2026-01-01T00:00:00Z", or that they were another's. Else empty.
  std::string owner() const;

  /// The token writes to the pool carry; empty while it is not ours, or not claimed on this connection yet.
  std::string_view token(const std::string& pool) const;

  /// What the store said of a write: so many are acknowledged; the token is another's; there is none.
  void written(const std::string& pool, std::uint64_t writes);
  void fenced(const std::string& pool, const std::string& name, std::int64_t since_ms);
  void unclaimed(const std::string& pool);

  /// What the next process should remember, as it stands.
  std::vector<ClaimMemory> memories() const;

  /// Gives the pools up, so that a successor need not wait. Nothing may be written after it.
  void give_up();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringtrace::redis
