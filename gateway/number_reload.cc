#include "gateway/number_reload.h"

#include <utility>
#include <vector>

namespace ringtrace::gateway {

void NumberReload::load_next() {
  if (pool_.value >= pools_.pool_count()) return done_({});
  added_ = drained_ = 0;
  book_.load(
      pools_.config(pool_).name.to_string(),
      [self = shared_from_this()](const std::vector<redis::KeptNumber>& numbers) { self->take(numbers); },
      [self = shared_from_this()](const std::string& problem) { self->loaded(problem); });
}

void NumberReload::take(const std::vector<redis::KeptNumber>& numbers) {
  std::vector<pool::Number> added;
  std::vector<pool::Number> drained;
  for (const redis::KeptNumber& kept : numbers) {
    (kept.word == redis::NumberWord::kDrained ? drained : added).push_back(kept.number);
  }
  // The pools leave out what the configuration gives to another use by now.
  added_ += pools_.add_numbers(pool_, added);
  drained_ += pools_.drain_numbers(pool_, drained);
}

void NumberReload::loaded(const std::string& problem) {
  if (!problem.empty()) return done_("numbers: " + problem);
  if (added_ + drained_ > 0) {
    log_.info("numbers changed since the configuration was written",
              {{"pool", pools_.config(pool_).name.view()}, {"added", added_}, {"drained", drained_}});
  }
  ++pool_.value;
  load_next();
}

}  // namespace ringtrace::gateway
