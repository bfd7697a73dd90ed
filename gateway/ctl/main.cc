#include <openssl/crypto.h>

#include <exception>
#include <iostream>

#include "gateway/ctl/command_line.h"

int main(int argc, char** argv) {
  namespace ctl = ringtrace::ctl;
  // Threads of the gRPC library outlive main: one may be at a TLS handshake while exit() takes OpenSSL apart.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  try {
    ctl::CommandLine command_line;
    try {
      command_line.app().parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return command_line.app().exit(error) == 0 ? ctl::kExitOk : ctl::kExitUsage;
    }
    return command_line.run();
  } catch (const std::exception& error) {
    std::cerr << "ringtracectl: " << error.what() << '\n';
    return ctl::kExitUsage;
  }
}
