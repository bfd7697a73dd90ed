#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "gateway/ctl/command_line.h"
#include "gateway/ctl/complaint.h"
#include "gateway/ctl/mistake_text.h"
#include "gateway/ctl/text.h"
#include "proto/utf8.h"

namespace ringtrace::ctl {
namespace {

/// What the libraries have to say is said again, in words, by the command it is about. Who sets
/// GRPC_VERBOSITY wants to hear it all.
void silence_libraries() {
  google::protobuf::SetLogHandler(nullptr);
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

/// The first argument that is not text: no message can carry it. Empty when all are.
std::string not_text(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!is_utf8(argv[i])) return "argument " + std::to_string(i) + " is not UTF-8";
  }
  return {};
}

/// Also of a command line that cannot be parsed.
bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

int run(int argc, char** argv) {
  const bool json = wants_json(argc, argv);
  try {
    CommandLine command_line;
    const std::string mistake = not_text(argc, argv);
    if (!mistake.empty()) return complain(json, Complaint::kUsage, mistake), kExitUsage;
    CLI::App& app = command_line.app();
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app.exit(error);  // asked for help
      complain(json, Complaint::kUsage, mistake_text(app, error), mistake_advice(app));
      return kExitUsage;
    }
    return command_line.run();
  } catch (const std::exception& error) {
    complain(json, Complaint::kUsage, error.what());
    return kExitUsage;
  }
}

}  // namespace
}  // namespace ringtrace::ctl

int main(int argc, char** argv) {
  // Threads of the gRPC library outlive main: one may be at a TLS handshake while exit() takes OpenSSL apart.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  ringtrace::ctl::silence_libraries();
  return ringtrace::ctl::run(argc, argv);
}
