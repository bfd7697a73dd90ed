#include "redis/claim_grant.h"

#include <charconv>
#include <cstddef>
#include <utility>

namespace ringtrace::redis {

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint64_t number_of(const Reply& reply) {
  return reply.kind == Reply::Kind::kInteger ? static_cast<std::uint64_t>(reply.integer)
                                             : number_of(reply.text);
}

Granted::Granted(const std::vector<Reply>& parts)
    : token(parts[1].text),
      writes(number_of(parts[3])),
      run_id(parts[4].text),
      replid(parts[5].text),
      token_before(parts[6].text),
      run_id_before(parts[7].text),
      replid_before(parts[8].text) {}

bool keeps_all(const Reply& settings) {
  int kept = 0;
  for (std::size_t i = 0; i + 1 < settings.elements.size(); i += 2) {
    const std::string& name = settings.elements[i].text;
    const std::string& value = settings.elements[i + 1].text;
    kept += (name == "appendonly" && value == "yes") || (name == "appendfsync" && value == "always") ||
            (name == "no-appendfsync-on-rewrite" && value == "no");
  }
  return kept == 3;
}

void judge_loss(Claim& claim, const ClaimMemory& known, const Granted& grant, bool kept) {
  const auto lost = [&claim](Loss loss, std::string reason) {
    claim.loss = loss;
    claim.reason = std::move(reason);
  };
  if (grant.token_before.empty()) {
    if (known.counter > 0) lost(Loss::kCertain, "Redis knows nothing of this pool any more");
    return;
  }
  if (number_of(grant.token_before) < known.counter || grant.writes < known.writes) {
    return lost(Loss::kCertain, "Redis is behind what it had acknowledged");
  }
  if (claim.again || kept) return;
  const bool same_run = grant.run_id == grant.run_id_before;
  if (same_run && grant.replid == grant.replid_before) return;
  lost(Loss::kPossible, same_run ? "Redis changed its replication id since the last gateway"
                                 : "Redis restarted, or another one took over, since the last gateway");
}

}  // namespace ringtrace::redis
