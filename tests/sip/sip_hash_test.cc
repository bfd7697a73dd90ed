#include "sip/sip_hash.h"

#include <catch2/catch.hpp>
#include <string>

namespace ringtrace::sip {
namespace {

// The key of the paper's appendix A and of the authors' test vectors: bytes 00 to 0f.
constexpr SipHash::Key kKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string counted_bytes(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(i);
  return bytes;
}

}  // namespace

TEST_CASE("SipHash gives the paper's example, however its bytes are cut") {
  const std::string message = counted_bytes(15);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    SipHash hash(kKey, SipHash::Output::k64);
    hash.update(std::string_view(message).substr(0, cut));
    hash.update(std::string_view(message).substr(cut));
    CHECK(hash.finish()[0] == 0xa129ca6149be45e5);
  }
}

TEST_CASE("SipHash of 128 bits gives the authors' first vector") {
  SipHash hash(kKey, SipHash::Output::k128);
  const auto words = hash.finish();
  CHECK(words[0] == 0xe6a825ba047f81a3);
  CHECK(words[1] == 0x930255c71472f66d);
}

}  // namespace ringtrace::sip
