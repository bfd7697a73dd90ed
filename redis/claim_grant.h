#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/claims.h"
#include "redis/reply.h"

namespace ringtrace::redis {

/// The decimal number the text begins with; 0 when it begins with none. Of a token: its counter.
std::uint64_t number_of(std::string_view text);
std::uint64_t number_of(const Reply& reply);

/// The answer of ringtrace_v1_claim to a claim that was granted.
struct Granted {
  /// `parts` are the answer's nine.
  explicit Granted(const std::vector<Reply>& parts);

  std::string token;
  std::uint64_t writes;
  std::string run_id, replid;
  std::string token_before, run_id_before, replid_before;
};

/// True when a Redis of these settings, the answer to CONFIG GET, has after its own death what it had
/// acknowledged.
bool keeps_all(const Reply& settings);

/// Notes in `claim` what the store has lost of what it had acknowledged to the pool's owners. `known` is what
/// is remembered of the claim before; `kept` that a restart of Redis loses nothing.
///
/// A process that lived through it knows exactly, because the store counts its writes; one that did not
/// infers.
void judge_loss(Claim& claim, const ClaimMemory& known, const Granted& grant, bool kept);

}  // namespace ringtrace::redis
