// Whole messages, and whole calls of them, through the proxy core. The input is a program: each step is one
// byte that says who does what, and text up to the next 0xff.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/fuzz_world.h"

namespace ringtrace::sip::test {
namespace {

constexpr int kMostSteps = 64;

// Takes the place of "@" in messages made for the step, so that the fuzzer's text stands where it may hurt.
std::string spliced(std::string text, std::string_view insert) {
  const std::size_t at = text.find("Content-Length");
  return at == std::string::npos ? text : text.insert(at, std::string(insert) + "\r\n");
}

void run_step(FuzzWorld& world, std::uint8_t what, std::string_view text) {
  constexpr std::array<int, 16> kStatuses = {100, 180, 183, 200, 202, 302, 401, 407,
                                             408, 481, 486, 487, 500, 503, 600, 603};
  constexpr std::array<const char*, 8> kMethods = {"ACK",   "BYE",   "INVITE",  "UPDATE",
                                                   "PRACK", "REFER", "OPTIONS", "CANCEL"};
  const unsigned detail = what >> 3;
  switch (what & 7) {
    case 0:
      world.receive(detail % 4 == 0 ? kFuzzStranger : detail % 2 == 0 ? kFuzzLine : kFuzzTrunk, text);
      break;
    case 1:
      world.receive(kFuzzTrunk, spliced(invite({.branch = "z9hG4bK-" + std::to_string(detail),
                                                .call_id = "call-" + std::to_string(detail % 4)}),
                                        text));
      break;
    case 2:
      if (world.last_invite) {
        world.receive(world.last_invite_to, spliced(respond_to(world.last_invite, kStatuses[detail % 16],
                                                               detail < 16 ? "line-tag" : "fork"),
                                                    text));
      }
      break;
    case 3:
      if (world.last_success) {
        world.receive(kFuzzTrunk, spliced(caller_request(kMethods[detail % 8], world.last_success,
                                                         "z9hG4bK-d" + std::to_string(detail),
                                                         2 + static_cast<int>(detail)),
                                          text));
      }
      break;
    case 4:
      if (world.last_invite) {
        world.receive(kFuzzLine, spliced(line_request(kMethods[detail % 8], world.last_invite,
                                                      "z9hG4bK-l" + std::to_string(detail),
                                                      2 + static_cast<int>(detail)),
                                         text));
      }
      break;
    case 5:
      world.receive(kFuzzTrunk, spliced(cancel({.branch = "z9hG4bK-" + std::to_string(detail),
                                                .call_id = "call-" + std::to_string(detail % 4)}),
                                        text));
      break;
    case 6:
      world.advance(std::chrono::milliseconds(10 << (detail % 16)));
      break;
    default:
      if (detail >= 24) return world.die();
      world.core->transport_failed(detail % 2 == 0 ? kFuzzLine : kFuzzTrunk);
      break;
  }
}

}  // namespace
}  // namespace ringtrace::sip::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringtrace::sip::test;
  std::string_view program(reinterpret_cast<const char*>(data), size);
  FuzzWorld world;
  for (int step = 0; step < kMostSteps && !program.empty(); ++step) {
    const auto what = static_cast<std::uint8_t>(program.front());
    const std::size_t end = std::min(program.find('\xff'), program.size());
    run_step(world, what, program.substr(1, end == 0 ? 0 : end - 1));
    program.remove_prefix(std::min(end + 1, program.size()));
  }
  world.check_end();
  return 0;
}
