// What one operation costs with one thread, in pools of 100, 10 thousand, 1 million and 10 million numbers.
// The rows are the points of the curve that bench/curve.py draws.
//
// resolve         a call to a random lent number, all numbers lent, from an unknown caller. Peer: a look-up
//                 of the same numbers in a std::unordered_map of as many. A number remembers one holder, or,
//                 in the rows that say so, four. Two ways of measuring, the same for both sides:
//                 one after another   which number comes next hangs on the last answer (its confidence and
//                                     its visit; the map's value), so that no two overlap
//                 independent         all numbers are known beforehand, and the processor begins the next
//                                     look-ups while it waits for the memory of the last
// renew           a random visit's heartbeat, all numbers lent. Peer: a resolve, both independent.
// lease+release   a visit never seen before reserves, commits and releases; all other numbers rest, in an
//                 order far from that of their slots. Peer: pop and push of a bare ScalableCircularQueue of
//                 as many.
//
// "One after another" carries the target: it is what one look-up costs the call that waits for it, and a
// gateway asks when a call comes, one number at a time. "Independent" has none, and would miss the same one:
// there a resolve is five to six look-ups. It says how much work an answer is beside its waiting for memory:
// some 340 instructions for pool, visit, source, weights and candidates, where three look-ups are 60; and a
// processor that looks some 500 instructions ahead has one answer and a half under way, and many look-ups.
//
// Measured: nanoseconds of wall time of a round, divided by its operations. The numbers dialed and the
// visits' names are drawn anew for each round before the clock starts, so that no round finds in the cache
// what an earlier one left there, except where all of it fits. Targets are for 10 thousand and 1 million
// numbers; at 100 the peer measures its level-1 cache, at 10 million both measure the machine's memory.
//
// Floors. A bare pop+push is four exchanges on lines that are at hand or lie in a row. A lease and a release
// are twelve exchanges (lending_pool.h names them), so three times that before anything is done with them,
// and seven lines at random places, of which one of 10 thousand numbers comes from the second or third level
// of the cache and one of a million from memory. All but one of these lines are foreseen and fetched while
// the lease before is made; not that of the index where a visit that comes for the first time belongs. With a
// million numbers that one wait for memory is some eleven times a bare pop+push. The rest is the work: 1,740
// instructions (callgrind, a pool of a thousand numbers, so that no line is missed), half of them in reserve.
// A resolve is some 340 instructions and touches three lines, each known only when the one before it
// is there; a look-up of the map is some 20 instructions and two lines.
//
// Doubts: the numbers are neighbours, which suits the map's hash and ours; names are short (a name of more
// than 16 bytes may take another line, one of more than 56 takes two cells); the map's memory and ours are
// in the cache in the measure that the machine's other guests leave of it; our slots are in large pages
// where the system gives them and the map's nodes are not, which counts from 1 million on; a bare queue keeps
// nothing but its order and walks through its ring in a line, where a lease touches seven lines of
// memory at random: it is a floor, not a rival.

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>
#include <random>
#include <unordered_map>

#include "bench/pool_bench.h"
#include "bench/pool_world.h"
#include "bench/scq.h"
#include "bench/threads.h"

namespace ringtrace::bench {
namespace {

constexpr std::size_t kPicks = 100'000;
constexpr std::size_t kLeases = 50'000;
constexpr int kRounds = 11;

std::string name_of(std::size_t numbers) {
  if (numbers >= 1'000'000) return std::to_string(numbers / 1'000'000) + " M numbers";
  if (numbers >= 1'000) return std::to_string(numbers / 1'000) + " k numbers";
  return std::to_string(numbers) + " numbers";
}

/// A pool of which every number is lent: visit `first_visit() + i` holds one of them.
class LentPool {
 public:
  explicit LentPool(std::size_t numbers) : size_(numbers), pools_(make_pools(config_of(numbers))) {
    lend_all();
  }

  void lend_all() {
    first_visit_ = next_visit_;
    next_visit_ += size_;
    now_ += std::chrono::minutes(1);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!lend(*pools_, VisitName(first_visit_ + i).view(), now_)) ++refused;
    }
    expect(refused == 0, "all visits get a number");
  }

  void release_all() {
    std::vector<std::uint32_t> order(size_);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), random_);
    now_ += std::chrono::minutes(1);
    for (const std::uint32_t i : order) pools_->release({}, VisitName(first_visit_ + i).view(), now_);
  }

  std::size_t holders_remembered() const {
    return pools_->resolve({number(0), unknown_caller(), now_}).candidate_count;
  }

  double resolve() {
    return one_after_another([&](pool::Number dialed) {
      const pool::Resolution answer = pools_->resolve({dialed, unknown_caller(), now_});
      return std::bit_cast<std::uint64_t>(answer.confidence) ^
             static_cast<std::uint64_t>(answer.visit.view().front());
    });
  }
  double resolve_independent() {
    draw_numbers();
    return nanoseconds_each(kPicks, [&](std::uint64_t i) {
      keep(pools_->resolve({dialed_[i], unknown_caller(), now_}).confidence);
    });
  }

  double renew() {
    names_.clear();
    for (std::size_t i = 0; i < kPicks; ++i) names_.emplace_back(first_visit_ + random_() % size_);
    now_ += std::chrono::seconds(1);
    return nanoseconds_each(
        kPicks, [&](std::uint64_t i) { keep(pools_->renew({}, names_[i].view(), now_ + kTtl, now_)); });
  }

  /// With all numbers released.
  double lease_and_release() {
    names_.clear();
    for (std::size_t i = 0; i < kLeases; ++i) names_.emplace_back(next_visit_++);
    return nanoseconds_each(kLeases, [&](std::uint64_t i) {
      now_ += std::chrono::milliseconds(1);
      lend(*pools_, names_[i].view(), now_);
      keep(pools_->release({}, names_[i].view(), now_));
    });
  }

  using Map = std::unordered_map<pool::Number, std::uint32_t>;
  double look_up(const Map& map) {
    return one_after_another([&](pool::Number dialed) { return std::uint64_t{map.find(dialed)->second}; });
  }
  double look_up_independent(const Map& map) {
    draw_numbers();
    return nanoseconds_each(kPicks, [&](std::uint64_t i) { keep(map.find(dialed_[i])->second); });
  }

 private:
  /// Of each answer nothing is added to the place of the next number, which the processor cannot know before
  /// the answer is there, and the compiler never.
  template <typename Ask>
  double one_after_another(Ask ask) {
    draw_numbers();
    std::uint64_t nothing = 0;
    asm volatile("" : "+r"(nothing));
    std::uint64_t last = 0;
    return nanoseconds_each(kPicks, [&](std::uint64_t i) { last = ask(dialed_[i + last]) & nothing; });
  }

  void draw_numbers() {
    dialed_.clear();
    for (std::size_t i = 0; i < kPicks; ++i) dialed_.push_back(number(random_() % size_));
  }

  const std::size_t size_;
  const std::unique_ptr<pool::NumberPools> pools_;
  pool::Time now_ = kStart;
  std::uint64_t first_visit_ = 0;
  std::uint64_t next_visit_ = 0;
  std::mt19937_64 random_{1};
  std::vector<pool::Number> dialed_;
  std::vector<VisitName> names_;
};

LentPool::Map map_of(std::size_t numbers) {
  LentPool::Map map;
  map.reserve(numbers);
  for (std::size_t i = 0; i < numbers; ++i) map.emplace(number(i), static_cast<std::uint32_t>(i));
  return map;
}

void cost_at(std::size_t numbers, std::vector<Row>& rows) {
  std::fprintf(stderr, "bench: making a pool of %s\n", name_of(numbers).c_str());
  const bool has_target = numbers == 10'000 || numbers == 1'000'000;
  const auto target = [&](double bound) { return has_target ? Target::at_most(bound) : Target{}; };
  const std::string at = " at " + name_of(numbers);
  const char* const look_up = "unordered_map look-up";

  LentPool pool(numbers);
  {
    const auto map = map_of(numbers);
    rows.push_back(compare(
        pool_row("resolve" + at, "ns", look_up, target(3)), kRounds, [&] { return pool.resolve(); },
        [&] { return pool.look_up(map); }));
    rows.push_back(compare(
        pool_row("independent resolve" + at, "ns", "independent look-up", {}), kRounds,
        [&] { return pool.resolve_independent(); }, [&] { return pool.look_up_independent(map); }));
  }
  rows.push_back(compare(
      pool_row("renew" + at, "ns", "resolve", target(2)), kRounds, [&] { return pool.renew(); },
      [&] { return pool.resolve_independent(); }));

  pool.release_all();
  {
    ScalableCircularQueue<> queue(numbers);
    for (std::size_t i = 0; i < numbers; ++i) queue.push(static_cast<std::uint32_t>(i));
    rows.push_back(compare(
        pool_row("lease+release" + at, "ns", "bare SCQ pop+push", target(12)), kRounds,
        [&] { return pool.lease_and_release(); },
        [&] { return nanoseconds_each(10 * kLeases, [&](std::uint64_t) { queue.push(*queue.pop()); }); }));
  }
  if (!has_target) return;

  for (int holder = 2; holder <= 4; ++holder) {
    pool.lend_all();
    if (holder < 4) pool.release_all();
  }
  expect(pool.holders_remembered() == 4, "four holders are remembered");
  const auto map = map_of(numbers);
  rows.push_back(compare(
      pool_row("resolve of four holders" + at, "ns", look_up, {}), kRounds, [&] { return pool.resolve(); },
      [&] { return pool.look_up(map); }));
}

}  // namespace

void pool_cost(std::vector<Row>& rows) {
  for (const std::size_t numbers :
       {std::size_t{100}, std::size_t{10'000}, std::size_t{1'000'000}, std::size_t{10'000'000}}) {
    cost_at(numbers, rows);
  }
}

}  // namespace ringtrace::bench
