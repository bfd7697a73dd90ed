#include "redis/lease_call.h"

#include <algorithm>

#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

// Of a call's encoding, beside its steps' own: only to reserve memory.
constexpr std::size_t kBytesOfBlock = 200;

/// What the steps of a call have in common.
struct Shared {
  explicit Shared(const LeaseSteps& steps, std::chrono::milliseconds retention) {
    for (const LeaseStep& step : steps) {
      if (blocks.empty() || blocks.back() != step.block) blocks.push_back(step.block);
      now = std::max(now, step.now);
      leases_until = std::max(leases_until, step.asked + std::max(step.hold, retention));
      // An end that is told late may bring a visit back into the index.
      visits_until = std::max({visits_until, step.asked + step.hold, step.now});
      bytes += step.arguments.bytes().size();
    }
    bytes += (blocks.size() + 4) * kBytesOfBlock;
  }

  std::vector<std::uint64_t> blocks;
  pool::Time now = pool::kNever;
  pool::Time leases_until = pool::kNever;
  pool::Time visits_until = pool::kNever;
  std::size_t bytes = 0;
};

void add_keys(Arguments& all, const std::string& pool, const Shared& shared) {
  all.add(3 + 2 * shared.blocks.size());
  all.add(owner_key(pool));
  all.add(blocks_key(pool));
  all.add(visits_key(pool));
  for (const std::uint64_t block : shared.blocks) {
    all.add(lease_key_of_block(pool, block));
    all.add(attributes_key_of_block(pool, block));
  }
}

void add_groups(Arguments& all, const Shared& shared, const LeaseSteps& steps) {
  std::size_t block = 0;
  for (std::size_t i = 0; i < steps.size();) {
    const LeaseStep& first = steps[i];
    if (shared.blocks[block] != first.block) ++block;
    std::size_t end = i;
    while (end < steps.size() && steps[end].block == first.block && steps[end].kind == first.kind) ++end;
    all.add(first.kind);
    all.add(block + 1);
    all.add(end - i);
    for (; i < end; ++i) all.add(steps[i].arguments);
  }
}

}  // namespace

Command lease_call(const std::string& pool, std::string_view token, const LeaseSteps& steps,
                   std::chrono::milliseconds retention) {
  const Shared shared(steps, retention);
  Arguments all;
  all.reserve(shared.bytes);
  all.add("FCALL");
  all.add("ringtrace_v1_write_leases");
  add_keys(all, pool, shared);
  all.add(token);
  all.add(to_text(shared.now));
  all.add(std::to_string(retention.count()));
  all.add(shared.blocks.size());
  all.add(to_text(shared.leases_until));
  all.add(to_text(shared.visits_until));
  add_groups(all, shared, steps);
  return {all, owner_key(pool)};
}

}  // namespace ringtrace::redis
