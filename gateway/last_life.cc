#include "gateway/last_life.h"

#include <fstream>
#include <system_error>

namespace ringtrace::gateway {

std::optional<LastLife> read_last_life(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::int64_t alive = 0;
  std::int64_t bound_until = 0;
  std::int64_t loss_until = 0;
  LastLife life;
  if (!(in >> alive >> bound_until >> life.leases_per_second >> life.loss >> loss_until)) return std::nullopt;
  // A gateway that did not write the rest may have been acknowledged any lease of its time.
  std::int64_t acknowledged = 0;
  if (!(in >> life.held >> acknowledged)) life.held = 0;
  life.acknowledged = pool::Time(pool::Duration(acknowledged));
  life.alive = pool::Time(pool::Duration(alive));
  life.bound_until = pool::Time(pool::Duration(bound_until));
  life.loss_until = pool::Time(pool::Duration(loss_until));
  return life;
}

bool write_last_life(const std::filesystem::path& file, const LastLife& life) {
  std::filesystem::path fresh = file;
  fresh += ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << life.alive.time_since_epoch().count() << ' ' << life.bound_until.time_since_epoch().count() << ' '
        << life.leases_per_second << ' ' << life.loss << ' ' << life.loss_until.time_since_epoch().count()
        << ' ' << life.held << ' ' << life.acknowledged.time_since_epoch().count() << '\n';
    if (!out.flush()) return false;
  }
  std::error_code error;
  std::filesystem::rename(fresh, file, error);
  return !error;
}

}  // namespace ringtrace::gateway
