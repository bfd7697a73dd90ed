#include "gateway/number_takeover.h"

#include <algorithm>
#include <utility>

namespace ringtrace::gateway {

void NumberTakeover::want(const std::vector<NumberChanges>& changes) {
  for (const NumberChanges& fresh : changes) {
    const auto of_pool = [&](const NumberChanges& other) { return other.pool == fresh.pool; };
    const auto before = std::find_if(waiting_.begin(), waiting_.end(), of_pool);
    if (before == waiting_.end()) {
      waiting_.push_back(fresh);
    } else {
      before->follow_with(fresh);
    }
  }
}

void NumberTakeover::tick(bool serving) {
  if (!serving || changing_ || waiting_.empty()) return;
  changing_ = std::make_unique<NumberChanges>(std::move(waiting_.back()));
  waiting_.pop_back();
  kept_.clear();
  book_.load(
      pools_.config(changing_->pool).name.to_string(),
      [this](const std::vector<redis::KeptNumber>& numbers) {
        for (const redis::KeptNumber& kept : numbers) kept_.push_back(kept.number);
      },
      [this](const std::string& problem) { loaded(problem); });
}

void NumberTakeover::loaded(const std::string& problem) {
  NumberChanges changes = std::move(*std::exchange(changing_, nullptr));
  if (problem.empty()) {
    std::sort(kept_.begin(), kept_.end());
    changes.leave_out(kept_);
    return apply(changes, pools_, log_);
  }
  // Tried again when the store is back; what was said meanwhile is the later word.
  const std::vector<NumberChanges> later = std::exchange(waiting_, {});
  want({changes});
  want(later);
}

}  // namespace ringtrace::gateway
