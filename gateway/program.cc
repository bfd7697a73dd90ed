#include "gateway/program.h"

#include <cstdlib>
#include <exception>
#include <iostream>

#include "gateway/command_line.h"
#include "gateway/config.h"
#include "gateway/config_schema.h"
#include "gateway/exit_status.h"
#include "gateway/gateway.h"
#include "gateway/log.h"

namespace ringtrace::gateway {
namespace {

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

int run_gateway(Config config, const std::string& path) {
  auto opened = Log::open(config.log);
  if (const auto* problem = std::get_if<std::string>(&opened)) return fail(*problem);
  Log& log = *std::get<std::unique_ptr<Log>>(opened);
  log.take_default_logger();
  Gateway gateway(std::move(config), log);
  if (const std::optional<std::string> problem = gateway.start()) return fail(*problem);
  gateway.run([&path] { return load_config(path); });
  return gateway.lost() ? kExitLost : kExitOk;
}

int run(const CommandLine& command) {
  if (command.print_reference) {
    print_config_reference(std::cout);
    return kExitOk;
  }
  auto loaded = load_config(command.config);
  if (const auto* mistakes = std::get_if<Mistakes>(&loaded)) {
    std::cerr << mistakes->text();
    return kExitMistakes;
  }
  Config config = std::get<Config>(std::move(loaded));
  return command.check ? tell_ok(config) : run_gateway(std::move(config), command.config);
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  // The gRPC library's own lines are none of ours; what goes wrong with a port is told by one line of ours.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  try {
    const auto command = parse_command_line(argc, argv, std::cout, std::cerr);
    if (const int* status = std::get_if<int>(&command)) return *status;
    return run(std::get<CommandLine>(command));
  } catch (const std::exception& error) {
    return fail(std::string("cannot start: ") + error.what());
  }
}

}  // namespace ringtrace::gateway
