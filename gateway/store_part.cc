#include "gateway/store_part.h"

#include <utility>

#include "gateway/redis_lines.h"
#include "redis/functions.h"
#include "sip/config.h"

namespace ringtrace::gateway {
namespace {

// Events in memory on their way to Redis, when there is a spool.
constexpr std::size_t kMostQueued = 10'000;
// The gateway that carries a call closes it by its age itself; only then may others.
constexpr auto kSweepDelay = std::chrono::minutes(1);

redis::Endpoint endpoint_of(const RedisAddress& address) {
  return {address.socket_path, address.host, address.port};
}

redis::ConnectionOptions options_of(const RedisConfig& config) {
  using Kind = RedisAddress::Kind;
  redis::ConnectionOptions options;
  std::vector<redis::Endpoint> nodes;
  for (const RedisAddress& node : config.nodes) nodes.push_back(endpoint_of(node));
  switch (config.address.kind) {
    case Kind::kServer:
      options.endpoint = endpoint_of(config.address);
      break;
    case Kind::kSentinel:
      options.sentinel.sentinels = std::move(nodes);
      options.sentinel.master = config.address.master;
      options.sentinel.password = config.sentinel_password;
      break;
    case Kind::kCluster:
      options.cluster = std::move(nodes);
      options.cluster.push_back(endpoint_of(config.address));
      break;
  }
  options.tls = {config.address.tls, config.ca_file, config.certificate_file, config.key_file};
  options.user = config.user;
  options.password = config.password;
  options.database = static_cast<int>(config.address.database);
  options.connect_timeout = config.connect_timeout;
  options.command_timeout = config.command_timeout;
  options.max_commands = config.max_queue;
  return options;
}

redis::CallLogOptions call_log_options_of(const Config& config, const redis::CallerKey& caller_key) {
  redis::CallLogOptions options;
  options.retention = config.events.retention;
  options.max_length = config.events.max_length;
  options.caller_retention = config.events.caller_retention;
  options.attributes_retention = config.events.attributes_retention;
  options.caller_key = caller_key;
  // What is more waits in the spool.
  if (!config.state_directory.empty()) options.max_queued = kMostQueued;
  return options;
}

EventSpool::Options spool_options_of(const Config& config) {
  EventSpool::Options options;
  options.max_bytes = config.events.spool_bytes;
  if (!config.state_directory.empty()) {
    options.file = std::filesystem::path(config.state_directory) / "call-events.spool";
  }
  return options;
}

}  // namespace

StorePart::StorePart(boost::asio::io_context& io, const Config& config, const redis::CallerKey& caller_key,
                     const pool::Clock& clock, Log& log, Readiness& readiness)
    : log_(log),
      caller_key_(caller_key),
      personal_retention_{config.events.caller_retention, config.events.attributes_retention},
      connection_(io, options_of(*config.redis), redis::prepare_server(lines_into(log)), lines_into(log)),
      holders_(connection_),
      calls_(connection_, call_log_options_of(config, caller_key), lines_into(log)),
      index_(connection_),
      numbers_(connection_),
      subscriptions_(connection_),
      reader_(calls_),
      index_reader_(index_),
      number_book_(numbers_),
      subscription_store_(subscriptions_),
      sweep_(connection_, calls_,
             {.max_age = config.sip.max_call_age + kSweepDelay, .setup = sip::kLongestSetup},
             [&clock] { return clock.now(); }),
      spool_(calls_, spool_options_of(config), log,
             [this](std::string_view event) { return late_->pass(event); }) {
  leases_ = std::make_unique<StoredLeases>(io, connection_, config, log, readiness);
}

StorePart::~StorePart() = default;

void StorePart::start(pool::Leasing& leasing, Settled settled, Lost lost) {
  late_ = std::make_unique<LateAttribution>(
      leasing.pools(),
      [this](const std::string& pool, pool::Number number, pool::Time at, redis::HolderLog::Done done) {
        holders_.holders(pool, number, at, redis::HolderLog::kMost, std::move(done));
      },
      [this](const v1::CallEvent& event) { return calls_.append(event); },
      [&leasing] { return leasing.clock().now(); });
  eraser_ = std::make_unique<StoreCallerEraser>(leasing, caller_key_, personal_retention_, connection_,
                                                spool_, log_);
  leases_->start(leasing, std::move(settled), std::move(lost));
  spool_.start();
  connection_.start();
}

void StorePart::tick() {
  if (leases_->connected()) late_->ask();
  leases_->tick(std::chrono::steady_clock::now());
}

bool StorePart::is_flushed() const {
  const redis::ConnectionStats connection = connection_.stats();
  if (!connection.ready) return true;
  return leases_->outstanding() + connection.waiting + connection.in_flight == 0 &&
         calls_.stats().queued == 0 && subscriptions_.waiting() == 0 && spool_.stats().waiting == 0;
}

}  // namespace ringtrace::gateway
