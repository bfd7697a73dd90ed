#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::gateway {

/// Why the gateway is not ready, by part. Ready when no part gives a reason. Any thread may call; the lock is
/// held for a few lines, and nothing on the path of a call takes it.
class Readiness {
 public:
  /// The part is not ready, for that reason.
  void not_ready(std::string_view part, std::string reason);

  void ready(std::string_view part);

  bool is_ready() const;

  /// "store: not connected" and so on, by part.
  std::vector<std::string> reasons() const;

  /// {"ready":false,"reasons":["store: not connected"]}
  std::string json() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> reasons_;
};

/// The text as a JSON string, in quotes.
std::string json_string(std::string_view text);

}  // namespace ringtrace::gateway
