#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

/// The pool in a few lines: who had each number last, from when to when. It does not choose numbers; it says
/// whether a choice is right, and follows it.
struct Model {
  struct Last {
    int visit;
    Time start, end;
  };
  Duration hold{};
  std::size_t reserve = 0;
  std::vector<Number> numbers;
  std::map<Number, Last> last;

  static int visitor(int visit) { return visit % 3; }

  bool live(Number n, Time now) const { return last.contains(n) && last.at(n).end > now; }
  bool held(Number n, Time now) const {
    return last.contains(n) && !live(n, now) && last.at(n).end + hold > now;
  }
  bool free(Number n, Time now) const { return !live(n, now) && !held(n, now); }
  Time idle_since(Number n) const { return last.contains(n) ? last.at(n).end : kNever; }

  /// The number of the visit's latest lease, while nobody else had it since.
  std::optional<Number> of_visit(int visit, Time now) const {
    std::optional<Number> best;
    for (const auto& [n, holder] : last) {
      if (holder.visit != visit) continue;
      if (!best || rank(n, now) > rank(*best, now)) best = n;
    }
    return best;
  }

  int rank(Number n, Time now) const { return live(n, now) ? 2 : held(n, now) ? 1 : 0; }

  std::size_t free_count(Time now) const {
    return static_cast<std::size_t>(
        std::count_if(numbers.begin(), numbers.end(), [&](Number n) { return free(n, now); }));
  }

  /// The numbers a new lease of `visit` may be given; none: the fallback.
  std::vector<Number> choices(int visit, Time now) const {
    const bool may_take_free = free_count(now) > reserve;
    const auto vacant = [&](Number n) { return held(n, now) || (free(n, now) && may_take_free); };
    if (const auto own = of_visit(visit, now); own && vacant(*own)) return {*own};
    std::vector<Number> former;
    for (const auto& [n, holder] : last) {
      if (visitor(holder.visit) != visitor(visit) || live(n, now)) continue;
      if (!former.empty() && idle_since(former[0]) > holder.end) continue;
      if (!former.empty() && idle_since(former[0]) < holder.end) former.clear();
      former.push_back(n);
    }
    std::erase_if(former, [&](Number n) { return !vacant(n); });
    if (!former.empty()) return former;
    std::vector<Number> idlest;
    for (const Number n : numbers) {
      if (!may_take_free || !free(n, now)) continue;
      if (!idlest.empty() && idle_since(idlest[0]) < idle_since(n)) continue;
      if (!idlest.empty() && idle_since(idlest[0]) > idle_since(n)) idlest.clear();
      idlest.push_back(n);
    }
    return idlest;
  }
};

struct Run {
  Model model;
  std::unique_ptr<OnePool> pool;
  Time now = at(hours(1));

  std::string id(int visit) const { return "v" + std::to_string(visit); }

  void lend(int visit, Duration ttl, bool commit) {
    const std::string name = id(visit), browser = "b" + std::to_string(Model::visitor(visit));
    const Reservation made = pool->reserve(VisitView{name, browser, "s", ""}, now, ttl);
    const auto own = model.of_visit(visit, now);
    if (own && model.rank(*own, now) > 0) {
      RC_ASSERT(made.outcome == ReserveOutcome::kHeld);
      RC_ASSERT(made.number == *own);
      model.last[*own].end = std::max(model.last[*own].end, now + ttl);
      RC_ASSERT(made.expire == model.last[*own].end);
      RC_ASSERT(made.start == model.last[*own].start);
      return;
    }
    const auto choices = model.choices(visit, now);
    if (choices.empty()) {
      RC_ASSERT(made.outcome == ReserveOutcome::kFallback);
      return;
    }
    RC_ASSERT(made.outcome == ReserveOutcome::kReserved);
    RC_ASSERT(std::find(choices.begin(), choices.end(), made.number) != choices.end());
    if (model.last.contains(made.number)) RC_ASSERT(made.idle == now - model.last[made.number].end);
    if (!commit) {
      RC_ASSERT(pool->pools->cancel(made.ticket, now));
      return;
    }
    RC_ASSERT(pool->pools->commit(made.ticket, true, now));
    model.last[made.number] = {visit, now, now + ttl};
  }

  void renew(int visit, Duration ttl) {
    const auto lease = pool->pools->renew(pool->main, id(visit), now + ttl, now);
    const auto own = model.of_visit(visit, now);
    RC_ASSERT(lease.has_value() == (own && model.rank(*own, now) > 0));
    if (!lease) return;
    model.last[*own].end = std::max(model.last[*own].end, now + ttl);
    RC_ASSERT(lease->expire == model.last[*own].end);
  }

  void release(int visit) {
    const auto lease = pool->pools->release(pool->main, id(visit), now);
    const auto own = model.of_visit(visit, now);
    RC_ASSERT(lease.has_value() == (own && model.rank(*own, now) == 2));
    if (lease) model.last[*own].end = now;
  }

  void check() {
    const PoolCounts counts = pool->counts(now);
    std::uint64_t leased = 0, held = 0;
    for (const Number n : model.numbers) {
      leased += model.live(n, now) ? 1U : 0U;
      held += model.held(n, now) ? 1U : 0U;
      const Resolution answer = pool->resolve(n, now);
      if (!model.last.contains(n)) {
        RC_ASSERT(answer.method == ResolutionMethod::kNone);
      } else if (model.live(n, now) || model.held(n, now)) {
        RC_ASSERT(answer.method ==
                  (model.live(n, now) ? ResolutionMethod::kActiveLease : ResolutionMethod::kHold));
        RC_ASSERT(answer.visit.view() == id(model.last[n].visit));
      }
    }
    RC_ASSERT(counts.leased == leased);
    RC_ASSERT(counts.held == held);
    RC_ASSERT(counts.free == model.numbers.size() - leased - held);
  }
};

TEST_CASE("whatever is asked in whatever order, the pool does what the model says") {
  // RapidCheck prints the seed and the shortest failing sequence; RC_PARAMS="seed=..." runs it again.
  const bool right = rc::check("the pool does what the model says", [] {
    Run run;
    const auto size = *rc::gen::inRange<std::size_t>(1, 6);
    PoolConfig config = pool_config(size);
    config.hold = seconds(*rc::gen::element(0, 5, 60));
    config.valuable_reserve = *rc::gen::inRange<std::size_t>(0, 2);
    run.model = {config.hold, config.valuable_reserve, config.numbers, {}};
    run.pool = std::make_unique<OnePool>(config);
    const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
        rc::gen::tuple(rc::gen::inRange(0, 8), rc::gen::inRange(0, 9), rc::gen::inRange(1, 40)));
    for (const auto& [action, visit, amount] : steps) {
      switch (action) {
        case 0:
        case 1:
        case 2:
          run.lend(visit, seconds(amount), true);
          break;
        case 3:
          run.lend(visit, seconds(amount), false);
          break;
        case 4:
          run.renew(visit, seconds(amount));
          break;
        case 5:
          run.release(visit);
          break;
        default:
          run.now += seconds(amount);
      }
      run.check();
    }
  });
  CHECK(right);
}

}  // namespace
}  // namespace ringtrace::pool::testing
