#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/number.h"
#include "pool/time.h"

namespace ringtrace::redis {

/// The names of all keys. Everything is under `rt:`; what one function touches shares a hash tag, so that it
/// lies on one node of a Redis Cluster. Times are Unix milliseconds.
///
/// - `rt:{main:0}:leases:<block>`, hash: a number's field -> `start length hold source visitor visit`
/// - `rt:{main:0}:attributes:<block>`, hash: a number's field -> the visit's attributes as JSON
/// - `rt:{main:0}:visits`, hash: word of a visit -> the number it holds, or held last
/// - `rt:{main:0}:holders:<number>`, list: former holders, the latest first: `start end source visitor visit`
/// - `rt:{main:0}:lease_blocks`, set: the blocks that have leases
/// - `rt:{main:0}:owner`, hash: the gateway that may write. `token` (`<counter>-<instance>`), its `name`,
///   `since`, `until` (of Redis' clock; when the claim runs out), `client` (CLIENT ID), `run_id` and `replid`
///   (of the Redis it was claimed at), `writes` (counts the writes of leases)
/// - `rt:{calls}:events`, stream: `type`, `call`, `json` (a ringtrace.v1.CallEvent)
/// - `rt:{calls}:caller:<call>`: the caller's number, which the event leaves out; `rt:{calls}:visits:<call>`,
///   hash: visit id -> its visitor and attributes as JSON
/// - `rt:{calls}:callers:<hash>`, sorted set: the calls of one caller by their start;
/// `rt:{calls}:erased:<hash>`:
///   when that caller was erased. <hash> is keyed (redis/caller_key.h)
/// - `rt:{calls}:open`, hash: id of a call not ended yet -> JSON of its latest event
/// - `rt:{calls}:log`, hash: `last`: newest cursor; `trimmed`: newest cursor that is gone;
///   `caller_key`: tells with which key callers are named; `unindexed`: up to where they are not
/// - `rt:{calls}:seen:<call>`, hash: event id -> cursor, so that no event is appended twice
/// - `rt:{calls}:call:<call>`, hash: `start outcome pool number source`; cursors `latest` and `updated`
/// - `rt:{calls}:calls`, sorted set: calls by their start; also `:pool:<pool>`, `:number:<number>` and
///   `:source:<source>` behind it
/// - `rt:{calls}:subscriptions`, hash: name -> `cursor touched`, the last event acknowledged
/// - `rt:{main:0}:numbers`, hash: digits of a number changed while running -> `added` or `drained`
///
/// `main` is the pool and 0 its shard. A block is all numbers that differ in their last five digits only,
/// which are a number's field: 12025550101 is in block 120255, field 50101.
///
/// In a lease, length and hold are milliseconds, or seconds with an `s` behind them; the length is that from
/// its start to its end, and begins with `ended:` when it is over for good. `source` and `visitor` have
/// blanks, control characters and percent signs as %XX and are "-" when empty; the visit comes last and may
/// hold blanks.
///
/// The word of a visit is the first six characters of its id's SHA-1 in Base64 (RFC 4648). The index only
/// points: what it says of a visit counts when the number's lease is that visit's. (Two visits of one pool
/// that share a word, one pair in 7 * 10^10, are one entry: the earlier one is then not recognised at another
/// number, which the gateway knows from its memory anyway.)
///
/// Leases of many blocks are written and read with few commands because blocks are large, and so is the
/// index: what a command costs Redis, above all to write it to its log, is more than what a lease in it
/// costs.
///
/// Expiries (PTTL): a lease block lives until its last lease's end plus the hold or the holder log's
/// retention, whichever is longer, because the last holder and the place in the free order are remembered;
/// the index of visits until the last lease's end plus hold plus a day (for clocks that differ); a number's
/// holders until the latest of them is older than the retention, and up to an hour longer; the seen ids two
/// days after the call's latest event; a call and the sets that name it two days longer than the retention of
/// events, if trimming the stream has not taken them before; what is personal of a call by its start. Only
/// the last may be shortened. The owner has none. `FCALL_RO ringtrace_v1_show 1 rt:{main:0}:leases:<block>
/// <number>` tells what is left of a lease.
inline constexpr std::uint64_t kNumbersPerBlock = 100'000;

/// An instant as it is stored.
std::string to_text(pool::Time time);

std::string lease_key(std::string_view pool, pool::Number number);
std::string attributes_key(std::string_view pool, pool::Number number);

/// The word of a visit, as 36 bits and as its six characters.
std::uint64_t visit_bits(std::string_view visit_id);
std::string visit_word(std::uint64_t bits);
std::string visits_key(std::string_view pool);

std::string numbers_key(std::string_view pool);

std::string holders_key(std::string_view pool, pool::Number number);
std::string blocks_key(std::string_view pool);
std::string owner_key(std::string_view pool);

/// A number's field in the hashes of its block, and the number of a field; none when that is not ours.
std::string field_of(pool::Number number);
std::optional<pool::Number> number_at(std::uint64_t block, std::string_view field);

/// The block of a number, and the keys of one.
std::uint64_t block_of(pool::Number number);
std::string lease_key_of_block(std::string_view pool, std::uint64_t block);
std::string attributes_key_of_block(std::string_view pool, std::uint64_t block);

inline constexpr std::string_view kEventsKey = "rt:{calls}:events";
inline constexpr std::string_view kOpenCallsKey = "rt:{calls}:open";
inline constexpr std::string_view kLogKey = "rt:{calls}:log";
inline constexpr std::string_view kSubscriptionsKey = "rt:{calls}:subscriptions";
inline constexpr std::string_view kCallsKey = "rt:{calls}:calls";
std::string calls_key(std::string_view kind, std::string_view word);
std::string call_key(std::string_view call_id);
std::string seen_key(std::string_view call_id);
std::string callers_key(std::string_view hash);
std::string erased_key(std::string_view hash);

}  // namespace ringtrace::redis
