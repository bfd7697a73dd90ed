// The dialed number and the caller, wherever a carrier may write them: the input is the Request-URI's user,
// then, each on a line of its own, To, From, P-Asserted-Identity, P-Called-Party-ID, Diversion and
// History-Info.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringtrace::sip;
  using namespace ringtrace::sip::test;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::array<std::string, 7> lines;
  for (std::string& line : lines) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const std::string message = "INVITE sip:" + lines[0] +
                              "@198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-1\r\n" +
                              "From: " + (lines[2].empty() ? std::string("<sip:1@a>") : lines[2]) +
                              ";tag=1\r\nTo: " + (lines[1].empty() ? std::string("<sip:2@b>") : lines[1]) +
                              "\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nP-Asserted-Identity: " + lines[3] +
                              "\r\nP-Called-Party-ID: " + lines[4] + "\r\nDiversion: " + lines[5] +
                              "\r\nHistory-Info: " + lines[6] + "\r\nContent-Length: 0\r\n\r\n";
  FuzzWorld world;
  world.receive(kFuzzTrunk, message);
  world.check_end();
  return 0;
}
