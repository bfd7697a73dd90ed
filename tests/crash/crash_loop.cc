// Kills a gateway and its Redis at random instants under load, and holds what comes back against what was
// promised. Exit code 0 when no promise was broken.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "tests/crash/gateway_process.h"
#include "tests/crash/promises.h"
#include "tests/crash/site.h"
#include "tests/redis/redis_server.h"
#include "tests/temporary_directory.h"

namespace ringtrace::crash {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// What happens in a cycle.
enum class Fault : std::uint8_t {
  kGatewayKilled,
  kGatewayKilledTwice,  ///< the second time while it reloads
  kRedisKilled,         ///< the gateway goes on from memory meanwhile
  kBothKilled,
  kGatewayBackFirst,  ///< both killed; the gateway is there again before Redis
  kGatewayPaused,
  kRedisPaused,               ///< long enough that its answers are given up
  kRedisPausedGatewayKilled,  ///< what was sent and never answered is in doubt
  kCount,
};

constexpr std::array<const char*, static_cast<std::size_t>(Fault::kCount)> kFaults = {
    "gateway killed",     "gateway killed twice", "redis killed", "both killed",
    "gateway back first", "gateway paused",       "redis paused", "redis paused, gateway killed"};

constexpr milliseconds kHold = 1s;
constexpr milliseconds kRecovery = 30s;

struct Options {
  int cycles = 50;
  std::uint64_t seed = 0;
  double rate = 400;
  std::string appendfsync = "always";
  std::string program;
  bool verbose = false;
};

std::string pools() {
  const auto table = [](const std::string& name, const std::string& numbers, const char* durability) {
    return "[[pool]]\nname = \"" + name + "\"\nnumbers = [\"" + numbers + "\"]\nttl = \"20s\"\nhold = \"" +
           std::to_string(kHold.count()) + "ms\"\nfallback = \"" +
           (name == "main" ? "+12025559001" : "+12025559002") +
           "\"\nline_group = \"office\"\ndurability = \"" + durability + "\"\n";
  };
  return table("main", "+12025550001-+12025550090", "available") +
         table("strict", "+12025551001-+12025551090", "required");
}

/// Directory, Redis, gateway, site and book of one run.
class CrashLoop {
 public:
  CrashLoop(const Options& options, std::uint64_t seed)
      : verbose_(options.verbose),
        random_(seed),
        redis_({"--appendfsync", options.appendfsync}),
        gateway_({options.program, directory_.path(), redis_.unix_endpoint().unix_path, pools()}),
        promises_(kHold),
        site_({.address = gateway_.grpc_address(), .requests_per_second = options.rate}, promises_,
              seed + 1) {}

  ~CrashLoop() { gateway_.kill(); }
  CrashLoop(const CrashLoop&) = delete;
  CrashLoop& operator=(const CrashLoop&) = delete;

  void start() {
    gateway_.start();
    recover();
  }

  void cycle() {
    site_.run(random_time(50ms, 250ms));
    const Fault fault = next_fault();
    ++faults_[static_cast<std::size_t>(fault)];
    if (verbose_)
      std::printf("cycle %llu: %s\n", static_cast<unsigned long long>(cycles_),
                  kFaults[static_cast<std::size_t>(fault)]);
    ++cycles_;
    strike(fault);
    site_.run(random_time(20ms, 100ms));
    site_.finish();
    recover();
    site_.verify();
  }

  const Promises& promises() const { return promises_; }
  const std::array<std::uint64_t, kFaults.size()>& faults() const { return faults_; }
  std::uint64_t sent() const { return site_.sent(); }
  std::string log_tail() const { return gateway_.log_tail(); }

 private:
  /// Each fault once, in random order, then all of them again.
  Fault next_fault() {
    if (deck_.empty()) {
      for (std::size_t i = 0; i < kFaults.size(); ++i) deck_.push_back(static_cast<Fault>(i));
      std::shuffle(deck_.begin(), deck_.end(), random_);
    }
    const Fault fault = deck_.back();
    deck_.pop_back();
    return fault;
  }

  milliseconds random_time(milliseconds least, milliseconds most) {
    return milliseconds(std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random_));
  }

  /// The fault and its end; load goes on over it wherever something can answer.
  void strike(Fault fault) {
    switch (fault) {
      case Fault::kGatewayKilled:
        gateway_.kill();
        return gateway_.start();
      case Fault::kGatewayKilledTwice:
        gateway_.kill();
        gateway_.start();
        std::this_thread::sleep_for(random_time(1ms, 150ms));
        gateway_.kill();
        return gateway_.start();
      case Fault::kRedisKilled:
        redis_.kill();
        site_.run(random_time(20ms, 200ms));
        return redis_.start();
      case Fault::kBothKilled:
        redis_.kill();
        gateway_.kill();
        redis_.start();
        return gateway_.start();
      case Fault::kGatewayBackFirst:
        gateway_.kill();
        redis_.kill();
        gateway_.start();
        site_.run(random_time(20ms, 300ms));
        return redis_.start();
      case Fault::kGatewayPaused:
        gateway_.pause();
        site_.run(random_time(20ms, 400ms));
        return gateway_.resume();
      case Fault::kRedisPaused:
        redis_.pause();
        site_.run(random_time(20ms, 400ms));
        return redis_.resume();
      case Fault::kRedisPausedGatewayKilled:
        redis_.pause();
        site_.run(random_time(20ms, 250ms));
        gateway_.kill();
        redis_.resume();
        return gateway_.start();
      case Fault::kCount:
        return;
    }
  }

  /// Until the gateway is ready, answers, and has told the store everything.
  void recover() {
    const auto deadline = std::chrono::steady_clock::now() + kRecovery;
    const auto until = [deadline](const char* what, const auto& condition) {
      while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
          throw std::runtime_error(std::string(what) + " did not come true");
        std::this_thread::sleep_for(5ms);
      }
    };
    until("readiness", [this] { return gateway_.ready(); });
    if (!site_.wait_until_served(kRecovery)) throw std::runtime_error("gRPC did not come back");
    until("durability of all leases", [this] { return site_.all_durable(); });
  }

  const bool verbose_;
  std::uint64_t cycles_ = 0;
  std::vector<Fault> deck_;
  std::mt19937_64 random_;
  const test::TemporaryDirectory directory_;
  test::RedisServer redis_;
  GatewayProcess gateway_;
  Promises promises_;
  Site site_;
  std::array<std::uint64_t, kFaults.size()> faults_{};
};

void print_report(const Options& options, const CrashLoop& loop, int cycles, double seconds) {
  const Promises& book = loop.promises();
  std::printf(
      "%d cycles in %.0f s, appendfsync %s: %llu requests, %llu leases and renewals acknowledged, "
      "%llu in doubt, %llu lost, %zu let go and there again, %zu violations\n",
      cycles, seconds, options.appendfsync.c_str(), static_cast<unsigned long long>(loop.sent()),
      static_cast<unsigned long long>(book.acknowledged()), static_cast<unsigned long long>(book.in_doubt()),
      static_cast<unsigned long long>(book.losses().size()), book.returns().size(), book.violations().size());
  for (std::size_t i = 0; i < kFaults.size(); ++i) {
    std::printf("  %-30s %llu\n", kFaults[i], static_cast<unsigned long long>(loop.faults()[i]));
  }
}

std::size_t print_from(const std::vector<std::string>& lines, std::size_t from, int cycle) {
  for (; from < lines.size(); ++from) std::printf("cycle %d: %s\n", cycle, lines[from].c_str());
  std::fflush(stdout);
  return from;
}

int run(Options options) {
  if (options.seed == 0) options.seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  std::fflush(stdout);
  CrashLoop loop(options, options.seed);
  constexpr std::chrono::seconds kProgress(2);
  const auto began = std::chrono::steady_clock::now();
  auto progress_told = began;
  int cycles = 0;
  std::string problem;
  std::size_t told_losses = 0;
  std::size_t told_returns = 0;
  std::size_t told_violations = 0;
  try {
    loop.start();
    for (; cycles < options.cycles; ++cycles) {
      loop.cycle();
      told_losses = print_from(loop.promises().losses(), told_losses, cycles);
      if (options.appendfsync == "always") {
        told_returns = print_from(loop.promises().returns(), told_returns, cycles);
      }
      told_violations = print_from(loop.promises().violations(), told_violations, cycles);
      std::fflush(stdout);
      if (const auto now = std::chrono::steady_clock::now(); now - progress_told >= kProgress) {
        progress_told = now;
        std::fprintf(stderr, "crash: %d of %d cycles, %zu violations\n", cycles + 1, options.cycles,
                     told_violations);
      }
    }
  } catch (const std::exception& error) {
    problem = error.what();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  print_report(options, loop, cycles, took.count());
  if (!problem.empty()) {
    std::printf("cycle %d: %s\n%s\n", cycles, problem.c_str(), loop.log_tail().c_str());
    return 1;
  }
  // A fault that never came proves nothing.
  for (std::size_t i = 0; i < kFaults.size() && options.cycles >= 50; ++i) {
    if (loop.faults()[i] > 0) continue;
    std::printf("never came: %s\n", kFaults[i]);
    return 1;
  }
  // Only a store that syncs always has promised to lose nothing.
  const bool forgotten = !loop.promises().losses().empty() || !loop.promises().returns().empty();
  const bool lost = options.appendfsync == "always" && forgotten;
  return lost || !loop.promises().violations().empty() ? 1 : 0;
}

}  // namespace
}  // namespace ringtrace::crash

int main(int argc, char** argv) {
  ringtrace::crash::Options options;
  CLI::App app{"Kills a gateway and its Redis under load and checks that every promise was kept."};
  app.add_option("--program", options.program, "ringtraced")->required();
  app.add_option("--cycles", options.cycles, "how many crashes")->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", options.seed, "of what happens when; random when 0");
  app.add_option("--rate", options.rate, "requests per second");
  app.add_flag("--verbose", options.verbose, "names each fault");
  app.add_option("--appendfsync", options.appendfsync)->check(CLI::IsMember({"always", "everysec", "no"}));
  CLI11_PARSE(app, argc, argv);
  return ringtrace::crash::run(options);
}
