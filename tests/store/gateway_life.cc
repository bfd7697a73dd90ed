#include "tests/store/gateway_life.h"

#include <chrono>
#include <fstream>
#include <utility>

namespace ringtrace::store_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// As in gateway/gateway.cc.
constexpr milliseconds kTick{250};
constexpr seconds kStorePatience{10};
constexpr seconds kFlushPatience{3};

}  // namespace

GatewayLife::GatewayLife(VirtualTime& time, Dice& dice, FaultCounts& faults, SimulatedRedis& redis,
                         gateway::Config config, gateway::Log& log, const Wrap& wrap)
    : time_(time),
      faults_(faults),
      config_(std::move(config)),
      process_(std::make_shared<Process>(time)),
      pools_(std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(config_.pools))),
      kind_(std::make_shared<SimulatedConnection>(time, dice, faults, redis, process_)),
      connection_(std::make_unique<redis::Connection>(process_->io(), kind_)),
      patient_until_(time.now() + kStorePatience) {
  stored_ = std::make_unique<gateway::StoredLeases>(process_->io(), *connection_, config_, log, readiness_);
  pool::LeaseStore* store = &stored_->leases();
  if (wrap) {
    wrapped_ = wrap(*store);
    store = wrapped_.get();
  }
  leasing_ = std::make_unique<pool::Leasing>(*pools_, store, time);
  stored_->start(
      *leasing_, [this] { serves_ = true; }, [this] { over_ = true; });
  connection_->start();
  process_->after(milliseconds(dice.between(0, kTick.count() - 1)), [this] { tick(); });
}

GatewayLife::~GatewayLife() {
  process_->killed = nullptr;
  process_->kill();
  connection_.reset();
  stored_.reset();
}

void GatewayLife::tick() {
  leasing_->tick();
  stored_->tick(std::chrono::steady_clock::time_point(time_.now().time_since_epoch()));
  be_patient();
  if (!told_held_ && stored_->held_back({}).numbers > 0) {
    told_held_ = true;
    faults_.count(Fault::kHeldBack);
  }
  if (time_.now() >= ends_at_) over_ = true;
  process_->after(kTick, [this] { tick(); });
}

void GatewayLife::be_patient() {
  if (serves_) return;
  const bool blind = stored_->blind_until() != pool::kNever;
  if (blind && !stored_->connected() && !std::exchange(told_blind_, true)) faults_.count(Fault::kBlind);
  if (stored_->is_foreign() || blind) patient_until_ = time_.now() + kStorePatience;
  serves_ = time_.now() >= patient_until_;
}

void GatewayLife::ask_to_end() {
  serves_ = false;
  patient_until_ = pool::Time::max();
  stored_->give_up();
  ends_at_ = time_.now() + kFlushPatience;
}

void copy_state(const std::filesystem::path& from, const std::filesystem::path& to, bool torn) {
  std::filesystem::create_directories(to);
  for (const char* const name : {"last-life", "leases.journal", "store-claims"}) {
    if (std::filesystem::exists(from / name)) std::filesystem::copy_file(from / name, to / name);
  }
  if (!torn) return;
  std::ofstream journal(to / "leases.journal", std::ios::app | std::ios::binary);
  journal << std::string("\x40\0\0\0\x11\x22\x33\x44Lmai", 12);
}

}  // namespace ringtrace::store_test
