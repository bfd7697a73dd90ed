#include "sip/line_health.h"

#include <algorithm>

namespace ringtrace::sip {

void LineHealth::watch(const std::set<Hop>& lines, const HealthConfig& config, SteadyTime now) {
  config_ = config;
  std::erase_if(lines_, [&](const auto& entry) { return !lines.contains(entry.first); });
  std::erase_if(down_, [&](const Hop& hop) { return !lines.contains(hop); });
  for (const Hop& line : lines) {
    // Spread over a second, so that a restart is no burst.
    if (!lines_.contains(line)) lines_[line].next = now + std::chrono::milliseconds(random_() % 1000);
  }
  if (config_.interval.count() == 0) down_.clear();
}

std::vector<Hop> LineHealth::due(SteadyTime now) {
  std::vector<Hop> due;
  if (config_.interval.count() == 0) return due;
  for (auto& [line, state] : lines_) {
    if (state.asking || state.next > now) continue;
    state.asking = true;
    due.push_back(line);
  }
  return due;
}

void LineHealth::told(const Hop& line, bool answered, SteadyTime now) {
  const auto found = lines_.find(line);
  if (found == lines_.end()) return;
  State& state = found->second;
  state.asking = false;
  state.misses = answered ? 0 : state.misses + 1;
  state.answers = answered ? state.answers + 1 : 0;
  const bool was_down = down_.contains(line);
  if (!was_down && state.misses >= config_.down_after) down_.insert(line);
  if (was_down && state.answers >= config_.up_after) down_.erase(line);
  const bool settled = answered && !down_.contains(line);
  state.next =
      now + (settled ? config_.interval : std::min<std::chrono::milliseconds>(config_.interval, kEager));
}

void LineHealth::suspect(const Hop& line, SteadyTime now) {
  if (const auto found = lines_.find(line); found != lines_.end()) found->second.next = now;
}

bool shows_life(int status) { return status >= 200 && status != 503 && status != 504; }

}  // namespace ringtrace::sip
