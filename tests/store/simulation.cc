#include "tests/store/simulation.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace ringtrace::store_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTroubledTime{20};
constexpr seconds kQuietTime{8};

SimulatedRedis::Options redis_options_of(const Circumstances& circumstances) {
  SimulatedRedis::Options options;
  options.syncs_each_write = circumstances.syncs_each_write;
  options.has_replica = circumstances.has_replica;
  options.fences = circumstances.mistake != Mistake::kNoFence;
  options.denies_losses = circumstances.mistake == Mistake::kNoHoldBack;
  options.counts_writes = circumstances.mistake != Mistake::kUncountedLoss;
  return options;
}

/// Where files are no more than names and bytes: a disk would take most of a history's time.
std::filesystem::path memory_or_disk() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

/// Says that a lease is written before it is.
class HastyStore final : public pool::LeaseStore {
 public:
  explicit HastyStore(pool::LeaseStore& store) : store_(store) {}
  void lease(pool::LeaseRecord record, pool::Time now, Done done) override {
    done({pool::StoreStatus::kDone, {}, record.expire, ""});
    store_.lease(std::move(record), now, [](const pool::StoreReply&) {});
  }
  void renew(pool::LeaseRecord record, pool::Time now, Done done) override {
    store_.renew(std::move(record), now, std::move(done));
  }
  void release(pool::LeaseEnd end, pool::Time now, Done done) override {
    store_.release(std::move(end), now, std::move(done));
  }
  void expire(pool::LeaseEnd end, pool::Time now, Done done) override {
    store_.expire(std::move(end), now, std::move(done));
  }

 private:
  pool::LeaseStore& store_;
};

pool::Number number_at(std::size_t i) { return *pool::Number::from_digits(74'950'000'001 + 40 * i); }

}  // namespace

Circumstances::Circumstances(std::uint64_t from, Mistake made) : seed(from), mistake(made) {
  Dice dice(seed * 2 + 1);
  numbers = static_cast<std::size_t>(dice.between(8, 64));
  visits = static_cast<std::size_t>(dice.between(4, 2 * static_cast<std::int64_t>(numbers)));
  ttl = milliseconds(dice.between(2'000, 8'000));
  hold = milliseconds(dice.between(500, 2'500));
  durability = dice.one_in(2) ? pool::Durability::kRequired : pool::Durability::kAvailable;
  syncs_each_write = dice.one_in(2);
  has_replica = dice.one_in(4);
  wait_replicas = has_replica && dice.one_in(2) ? 1 : 0;
  gateways = dice.one_in(3) ? 2 : 1;
  loses_disks = dice.one_in(4);
  // Two gateways on a store that forgets are not simulated: what they promise then is not kept (README,
  // Limits).
  if (gateways > 1) {
    syncs_each_write = true;
    has_replica = loses_disks = false;
    wait_replicas = 0;
  }
  // Circumstances in which the mistake matters.
  if (mistake == Mistake::kNoFence) {
    gateways = 2;
    durability = pool::Durability::kRequired;
  } else if (mistake == Mistake::kLostJournal) {
    gateways = 1;
    durability = pool::Durability::kAvailable;
  } else if (mistake == Mistake::kNoHoldBack || mistake == Mistake::kUncountedLoss) {
    syncs_each_write = false;
    has_replica = loses_disks = false;
    wait_replicas = 0;
    gateways = 1;
  }
}

std::string Circumstances::text() const {
  std::ostringstream out;
  out << "seed " << seed << ": " << numbers << " numbers, " << visits << " visits, ttl " << ttl.count()
      << " ms, hold " << hold.count() << " ms, "
      << (durability == pool::Durability::kRequired ? "required" : "available") << ", "
      << (syncs_each_write ? "always" : "everysec") << (has_replica ? ", replica" : "")
      << (wait_replicas > 0 ? " waited for" : "") << (loses_disks ? ", disks lost" : "") << ", " << gateways
      << " gateways";
  return out.str();
}

Simulation::Simulation(const Circumstances& circumstances, pool::Time start)
    : circumstances_(circumstances),
      dice_(circumstances.seed),
      time_(start),
      redis_(time_, dice_, faults_, redis_options_of(circumstances)),
      site_(time_, circumstances.hold,
            {.memory_apart =
                 circumstances.gateways > 1 && circumstances.durability == pool::Durability::kAvailable,
             .disks_lost = circumstances.loses_disks}),
      log_(gateway::Log::to_stream(lines_, gateway::LogLevel::kWarning, 64)),
      directory_(memory_or_disk()),
      gateways_(circumstances.gateways) {
  redis_.lost = [this] {
    site_.books_went_back(redis_.books(), [this](const Showing& showing) { return is_remembered(showing); });
  };
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    gateways_[i].name = "gateway-" + std::to_string(i);
    gateways_[i].state = directory_.path() / gateways_[i].name;
    std::filesystem::create_directories(gateways_[i].state);
  }
}

Simulation::~Simulation() {
  for (Gateway& gateway : gateways_) gateway.life.reset();
  time_.clear();
}

void Simulation::note(const std::string& line) {
  if (traces) trace_ += std::to_string(time_.now().time_since_epoch().count()) + "  " + line + '\n';
}

gateway::Config Simulation::config_of(const Gateway& gateway) const {
  gateway::Config config;
  config.name = gateway.name;
  config.state_directory = gateway.state.string();
  config.events.spool_bytes = 1 << 20;
  gateway::RedisConfig& redis = config.redis.emplace();
  redis.address.kind = circumstances_.has_replica ? gateway::RedisAddress::Kind::kSentinel
                                                  : gateway::RedisAddress::Kind::kServer;
  redis.max_queue = 1024;
  redis.wait_replicas = circumstances_.wait_replicas;
  redis.claim = milliseconds(1'500);
  redis.holder_retention = std::chrono::hours(24);
  pool::PoolConfig pool;
  pool.name = pool::PoolName::cut("main");
  for (std::size_t i = 0; i < circumstances_.numbers; ++i) pool.numbers.push_back(number_at(i));
  pool.fallback = *pool::Number::from_digits(78'000'000'001);
  pool.ttl = circumstances_.ttl;
  pool.hold = circumstances_.mistake == Mistake::kShortHold ? pool::Duration(0) : circumstances_.hold;
  pool.durability = circumstances_.durability;
  config.pools.pools = {pool};
  config.pools.hash_key[0] = circumstances_.seed + 1;
  config.pools.known_callers = 16;
  config.pools.attribute_bytes = 1 << 16;
  return config;
}

void Simulation::begin_life(std::size_t which) {
  Gateway& gateway = gateways_[which];
  note(gateway.name + " begins");
  GatewayLife::Wrap wrap;
  if (circumstances_.mistake == Mistake::kEarlyAck) {
    wrap = [](pool::LeaseStore& store) { return std::make_unique<HastyStore>(store); };
  }
  gateway.life =
      std::make_unique<GatewayLife>(time_, dice_, faults_, redis_, config_of(gateway), *log_, wrap);
  gateway.life->process().killed = [this, which] { died(which, true); };
}

/// The gateway's process is no more: what it left in its state directory goes to the next one.
void Simulation::died(std::size_t which, bool killed) {
  Gateway& gateway = gateways_[which];
  note(gateway.name + (killed ? " is killed" : " ends"));
  const std::filesystem::path next =
      directory_.path() / (gateway.name + '-' + std::to_string(++gateway.lives));
  const bool torn = killed && std::filesystem::exists(gateway.state / "leases.journal") && dice_.one_in(3);
  if (torn) faults_.count(Fault::kTornJournal);
  copy_state(gateway.state, next, torn);
  if (circumstances_.mistake == Mistake::kLostJournal) std::filesystem::remove(next / "leases.journal");
  gateway.state = next;
  site_.gateway_died(redis_.books(), [this, which](const Showing& showing) {
    return showing.gateway != which && is_remembered(showing);
  });
  time_.after(milliseconds(0), [this, which] { gateways_[which].life.reset(); });
  time_.after(milliseconds(dice_.between(20, 2'000)), [this, which] { begin_life(which); });
}

/// By a living gateway that may still tell the store of it.
bool Simulation::is_remembered(const Showing& showing) {
  const std::string& owner = redis_.books().owner.name;
  for (Gateway& gateway : gateways_) {
    if (!gateway.life || !gateway.life->process().alive() || gateway.life->is_over()) continue;
    if (!owner.empty() && owner != gateway.name) continue;
    const pool::LeaseAnswer stands = gateway.life->leasing().get({}, showing.visit);
    if (stands.status == pool::LeaseStatus::kLeased && stands.number == showing.number) return true;
  }
  return false;
}

/// Those that were asked to end, or whose pools were taken over.
void Simulation::end_lives() {
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    GatewayLife* const life = gateways_[i].life.get();
    if (life == nullptr || !life->is_over() || !life->process().alive()) continue;
    if (life->stored().is_foreign()) faults_.count(Fault::kTakeover);
    life->process().killed = [this, i] { died(i, false); };
    life->process().kill();
  }
}

GatewayLife* Simulation::serving(std::size_t which) {
  GatewayLife* const life = gateways_[which].life.get();
  const bool serves = life != nullptr && life->process().alive() && life->serves() && !life->is_over();
  return serves ? life : nullptr;
}

void Simulation::ask_something() {
  const std::size_t which = dice_.below(gateways_.size());
  GatewayLife* const life = serving(which);
  if (life == nullptr) return;
  const std::uint64_t serial = dice_.below(circumstances_.visits);
  const std::string visit = "v" + std::to_string(serial);
  // Some browsers come back with visits of their own.
  const std::string browser = serial % 3 == 0 ? "browser-" + std::to_string(serial % 7) : "";
  const std::uint64_t choice = dice_.below(10);
  const bool shown = site_.shown(visit) != nullptr;
  std::optional<pool::Duration> ttl;
  if (dice_.one_in(8)) ttl = milliseconds(dice_.between(1'000, 2 * circumstances_.ttl.count()));
  const auto alive = life->process().shared_from_this();
  if (shown && choice < 2) {
    // The page waits for its answers before it lets its number go.
    if (under_way_[visit] > 0) return;
    note(visit + " releases");
    site_.let_go(visit);
    ++letting_go_[visit];
    const std::shared_ptr<void> waits(nullptr, [this, visit](void*) { --letting_go_[visit]; });
    return life->process().run(
        [life, visit, waits] { life->leasing().release({}, visit, [waits](const pool::LeaseAnswer&) {}); });
  }
  // Nor does it ask anew before it has heard that it is let go.
  if (letting_go_[visit] > 0) return;
  ++under_way_[visit];
  const std::shared_ptr<void> token(nullptr, [this, visit](void*) { --under_way_[visit]; });
  const auto answered = [this, which, visit, browser, alive, token](const pool::LeaseAnswer& answer) {
    if (!alive->passes() || !broken_.empty()) return;
    broken_ = site_.hear(visit, browser, answer, which);
    if (traces && answer.status == pool::LeaseStatus::kLeased) {
      note(visit + " is told " + answer.number.to_string() + " until " +
           std::to_string(answer.lease.expire.time_since_epoch().count()) +
           (answer.lease.durable ? " durable" : "") + " by gateway " + std::to_string(which));
    }
  };
  life->process().run([=] {
    if (shown && choice < 7) return life->leasing().renew({}, visit, ttl, answered);
    life->leasing().lease({}, {visit, browser, "ads/cpc", ""}, ttl, pool::AdmissionClass::kNormal, answered);
  });
}

void Simulation::store_died(pool::Duration away) {
  note("the store dies");
  for (Gateway& gateway : gateways_) {
    if (!gateway.life) continue;
    GatewayLife* const life = gateway.life.get();
    const auto process = life->process().shared_from_this();
    process->after(milliseconds(0), [process, kind = life->connection().shared_from_this()] {
      kind->lose("connection closed by peer");
    });
  }
  time_.after(away, [this] { redis_.start(); });
}

void Simulation::trouble_store() {
  switch (dice_.below(9)) {
    case 0:
    case 1: {
      Gateway& gateway = gateways_[dice_.below(gateways_.size())];
      if (!gateway.life || !gateway.life->connection().is_open()) return;
      faults_.count(Fault::kConnectionCut);
      note("a connection is cut");
      return gateway.life->process().run(
          [life = gateway.life.get()] { life->connection().lose("reset by peer"); });
    }
    case 2:
      return redis_.stall(milliseconds(dice_.between(50, 1'500)));
    case 3:
      redis_.refuse_writes(true);
      return time_.after(milliseconds(dice_.between(100, 2'000)), [this] { redis_.refuse_writes(false); });
    case 4:
    case 5:
      if (circumstances_.has_replica) {
        redis_.fail_over();
        return store_died(milliseconds(dice_.between(20, 500)));
      }
      [[fallthrough]];
    case 6:
      redis_.crash();
      return store_died(milliseconds(dice_.between(20, 3'000)));
    default:
      if (!circumstances_.loses_disks) return;
      dice_.one_in(2) ? redis_.crash_empty() : redis_.crash_to_old_books();
      return store_died(milliseconds(dice_.between(20, 1'000)));
  }
}

void Simulation::trouble_gateway(std::size_t which) {
  GatewayLife* const life = gateways_[which].life.get();
  if (life == nullptr || !life->process().alive()) return;
  switch (dice_.below(8)) {
    case 0:
      faults_.count(Fault::kGatewayKill);
      return life->process().kill();
    case 1:
    case 2:
      faults_.count(Fault::kKillInside);
      return life->process().kill_after(1 + dice_.below(12));
    case 3:
      faults_.count(Fault::kPause);
      note(gateways_[which].name + " is stopped");
      return life->process().pause(milliseconds(dice_.between(100, 6'000)));
    case 4:
      faults_.count(Fault::kGatewayEnd);
      return life->process().run([life] { life->ask_to_end(); });
    case 5:
      note(gateways_[which].name + " is cut off");
      return life->connection().cut_off(milliseconds(dice_.between(200, 6'000)));
    default:
      // Both at once: what one alone would make good.
      faults_.count(Fault::kGatewayKill);
      if (dice_.one_in(2)) life->process().kill();
      redis_.crash();
      store_died(milliseconds(dice_.between(20, 3'000)));
      if (life->process().alive()) life->process().kill();
  }
}

void Simulation::act() {
  if (quiet_) return;
  end_lives();
  check_counts();
  const std::uint64_t choice = dice_.below(1'000);
  if (choice < 15) {
    trouble_store();
  } else if (choice < 30) {
    trouble_gateway(dice_.below(gateways_.size()));
  } else {
    ask_something();
  }
  time_.after(milliseconds(dice_.between(2, 60)), [this] { act(); });
}

std::string Simulation::run() {
  if (traces) redis_.tell = [this](const std::string& line) { note("  store: " + line); };
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    time_.after(milliseconds(500 * static_cast<std::int64_t>(i)), [this, i] { begin_life(i); });
  }
  time_.after(milliseconds(0), [this] { act(); });
  const pool::Time troubled_until = time_.now() + kTroubledTime;
  while (broken_.empty() && time_.step(troubled_until)) continue;
  quiesce();
  if (traces) {
    log_.reset();
    trace_ += lines_.str();
  }
  if (!broken_.empty()) return circumstances_.text() + ": " + broken_;
  return {};
}

/// Everything is well again: then everything that was promised has to be there.
void Simulation::quiesce() {
  quiet_ = true;
  redis_.refuse_writes(false);
  const pool::Time end = time_.now() + kQuietTime;
  while (broken_.empty() && time_.step(end)) end_lives();
  if (broken_.empty()) check_promises();
}

void Simulation::check_counts() {
  for (Gateway& gateway : gateways_) {
    if (!gateway.life || !broken_.empty()) continue;
    const pool::PoolCounts counts = gateway.life->leasing().pools().counts({}, time_.now());
    const std::uint64_t all = counts.leased + counts.held + counts.free + counts.reserved + counts.drained;
    if (counts.total != circumstances_.numbers || all != counts.total) broken_ = "conservation";
  }
}

void Simulation::check_promises() {
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    GatewayLife* const life = gateways_[i].life.get();
    if (life == nullptr || redis_.books().owner.name != gateways_[i].name) continue;
    const pool::PoolCounts counts = life->leasing().pools().counts({}, time_.now());
    if (life->leasing().totals().waiting != 0) broken_ = "a request was never answered";
    if (counts.reserved != life->stored().held_back({}).numbers) broken_ = "a reservation was forgotten";
    for (const Showing& showing : site_.showings()) {
      // A visit that two gateways gave a number each keeps one of them.
      if (showing.over_at(time_.now()) || showing.lost || showing.apart) continue;
      const bool alone =
          circumstances_.gateways == 1 || circumstances_.durability == pool::Durability::kRequired;
      if (!alone && !showing.durable) continue;
      const pool::LeaseAnswer stands = life->leasing().get({}, showing.visit);
      const auto books = redis_.books().leases.find(std::to_string(showing.number.digits()));
      const bool remembered = stands.status == pool::LeaseStatus::kLeased &&
                              stands.number == showing.number && stands.lease.expire >= showing.until;
      const bool stored = books != redis_.books().leases.end() && books->second.visit == showing.visit;
      if (!remembered || !stored)
        broken_ = "kept word, at the end: " + showing.visit + " shows " + showing.number.to_string();
    }
  }
}

}  // namespace ringtrace::store_test
