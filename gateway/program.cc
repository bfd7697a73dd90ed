#include "gateway/program.h"

#include <malloc.h>

#include <exception>
#include <iostream>
#include <variant>

#include "gateway/command_line.h"
#include "gateway/config.h"
#include "gateway/config_schema.h"
#include "gateway/emergency.h"
#include "gateway/exit_status.h"
#include "gateway/gateway.h"
#include "gateway/log.h"
#include "grpc/library_locks.h"
#include "grpc/library_log.h"

namespace ringtrace::gateway {
namespace {

constexpr std::size_t kEmergencyLogQueue = 8192;

int fail(const std::string& problem) {
  std::cerr << "ringtraced: " << problem << '\n';
  return kExitCannotStart;
}

std::string plural(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

int tell_ok(const Config& config) {
  std::cout << "ok: " << plural(config.pools.pools.size(), "pool") << ", "
            << plural(config.number_count(), "number") << ", " << plural(config.trunks.size(), "trunk")
            << ", " << plural(config.line_groups.size(), "line group")
            << ", store: " << (config.redis ? config.redis->url : "none (memory only)") << '\n';
  return kExitOk;
}

// What to exit with after it has run and ended, or why the gateway could not start.
using RunEnd = std::variant<int, std::string>;

RunEnd run_gateway(Config config, const std::string& path) {
  auto opened = Log::open(config.log);
  if (const auto* problem = std::get_if<std::string>(&opened)) return *problem;
  Log& log = *std::get<std::unique_ptr<Log>>(opened);
  log.take_default_logger();
  Gateway gateway(std::move(config), log);
  if (auto problem = gateway.start()) return *problem;
  gateway.run([&path] { return load_config(path); });
  return gateway.lost() ? kExitLost : kExitOk;
}

// Carries calls although the gateway cannot; `unless_loads` as for run_emergency(). Nothing when there is no
// plan for that.
std::optional<EmergencyEnd> help_out(const std::string& path, bool unless_loads) {
  const auto plan = read_emergency_plan(state_directory_of(path));
  if (!plan) return std::nullopt;
  auto opened = Log::open({LogLevel::kInfo, "", kEmergencyLogQueue});
  if (!std::holds_alternative<std::unique_ptr<Log>>(opened)) return std::nullopt;
  Log& log = *std::get<std::unique_ptr<Log>>(opened);
  log.take_default_logger();
  return run_emergency(*plan, path, unless_loads, log);
}

int serve(const std::string& path) {
  for (;;) {
    auto loaded = load_config(path);
    int failed = kExitMistakes;
    if (const auto* mistakes = std::get_if<Mistakes>(&loaded)) {
      std::cerr << mistakes->text();
    } else {
      const RunEnd end = run_gateway(std::get<Config>(std::move(loaded)), path);
      if (const int* status = std::get_if<int>(&end)) return *status;
      failed = fail(std::get<std::string>(end));
    }
    const auto end = help_out(path, /*unless_loads=*/failed == kExitMistakes);
    if (!end) return failed;
    if (*end == EmergencyEnd::kStop) return kExitOk;
  }
}

// The threads' heaps give back to the system what a burst of calls has taken, but not what the next message
// needs again: by default each is shrunk and grown around 128 KiB with every few messages.
void keep_heaps() {
  constexpr int kKept = 16 << 20;
  mallopt(M_TRIM_THRESHOLD, kKept);
}

int run(const CommandLine& command) {
  keep_heaps();
  if (command.print_reference) {
    print_config_reference(std::cout);
    return kExitOk;
  }
  if (!command.check) return serve(command.config);
  const auto loaded = load_config(command.config);
  if (const auto* mistakes = std::get_if<Mistakes>(&loaded)) {
    std::cerr << mistakes->text();
    return kExitMistakes;
  }
  return tell_ok(std::get<Config>(loaded));
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  rpc::take_library_log();
  rpc::stop_deadlock_search();
  try {
    const auto command = parse_command_line(argc, argv, std::cout, std::cerr);
    if (const int* status = std::get_if<int>(&command)) return *status;
    return run(std::get<CommandLine>(command));
  } catch (const std::exception& error) {
    return fail(std::string("cannot start: ") + error.what());
  }
}

}  // namespace ringtrace::gateway
