#include "sip/route_ticket.h"

#include <catch2/catch.hpp>

#include "sip/branch.h"
#include "sip/call_id.h"

namespace ringtrace::sip {
namespace {

const Signer kSigner("0123456789abcdef0123456789abcdef");
const RouteTicket kTicket{"01J00000000000000000000000", *Hop::parse("udp:198.51.100.1:5060"),
                          *Hop::parse("tcp:[2001:db8::7]:5080")};

}  // namespace

TEST_CASE("a signed route tells what it was given, and which side sends") {
  const std::string parameters = route_parameters(kSigner, kTicket, "id@x", "caller");
  const auto by_caller = verify_route(kSigner, "lr" + parameters, "id@x", "caller", "line");
  REQUIRE(by_caller);
  CHECK(by_caller->ticket == kTicket);
  CHECK(by_caller->from == Side::kCaller);
  const auto by_line = verify_route(kSigner, "lr" + parameters, "id@x", "line", "caller");
  REQUIRE(by_line);
  CHECK(by_line->from == Side::kLine);
}

TEST_CASE("a route is worth nothing in another dialog, under another key, or changed in one byte") {
  const std::string parameters = "lr" + route_parameters(kSigner, kTicket, "id@x", "caller");
  CHECK_FALSE(verify_route(kSigner, parameters, "other@x", "caller", "line"));
  CHECK_FALSE(verify_route(kSigner, parameters, "id@x", "stranger", "line"));
  CHECK_FALSE(verify_route(Signer("another key of 16+ bytes"), parameters, "id@x", "caller", "line"));
  CHECK_FALSE(verify_route(kSigner, "lr", "id@x", "caller", "line"));
  CHECK_FALSE(verify_route(kSigner, "", "id@x", "caller", "line"));
  for (std::size_t i = 3; i < parameters.size(); ++i) {
    std::string changed = parameters;
    changed[i] = changed[i] == '1' ? '2' : '1';
    INFO(changed);
    CHECK_FALSE(verify_route(kSigner, changed, "id@x", "caller", "line"));
  }
}

TEST_CASE("what is signed cannot be moved from one part to the next") {
  CHECK(kSigner.sign({"ab", "c"}) != kSigner.sign({"a", "bc"}));
  CHECK(kSigner.sign({"ab", ""}) != kSigner.sign({"ab"}));
}

TEST_CASE("our branches are recognised, for their request only") {
  const ViaBranch branch{0x1234567890abcdef, 3, 0xfeed};
  const std::string text = branch.to_string(kSigner, "id@x", 7);
  CHECK(text.starts_with("z9hG4bKrt."));
  const auto verified = ViaBranch::verify(kSigner, text, "id@x", 7);
  REQUIRE(verified);
  CHECK(verified->exchange == branch.exchange);
  CHECK(verified->attempt == 3);
  CHECK(verified->loop == 0xfeed);
  CHECK_FALSE(verified->call);
  CHECK_FALSE(ViaBranch::verify(kSigner, text, "id@x", 8));
  CHECK_FALSE(ViaBranch::verify(kSigner, text, "other", 7));
  CHECK_FALSE(ViaBranch::verify(kSigner, text + "0", "id@x", 7));
  CHECK_FALSE(ViaBranch::verify(kSigner, "z9hG4bK-else", "id@x", 7));
}

TEST_CASE("a branch names its call and who sent the request, and neither can be changed") {
  const auto sender = GENERATE(Sender::kCaller, Sender::kWithheldCaller, Sender::kLine);
  const auto call = CallId::parse("01HF7YAT00ABCDEFGHJKMNPQRS");
  REQUIRE(call);
  const std::string text = ViaBranch{7, 255, 9, call, sender}.to_string(kSigner, "id@x", 7);
  const auto verified = ViaBranch::verify(kSigner, text, "id@x", 7);
  REQUIRE(verified);
  CHECK(verified->call == call);
  CHECK(verified->sender == sender);
  CHECK(verified->attempt == 255);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'c' ? 'w' : changed[i] == 'w' ? 'l' : changed[i] == '1' ? '2' : '1';
    INFO(changed);
    CHECK_FALSE(ViaBranch::verify(kSigner, changed, "id@x", 7));
  }
}

TEST_CASE("a branch whose parts are not parted by dots is not ours") {
  const auto call = CallId::parse("01HF7YAT00ABCDEFGHJKMNPQRS");
  for (const ViaBranch& branch : {ViaBranch{7, 255, 9}, ViaBranch{7, 255, 9, call}}) {
    const std::string text = branch.to_string(kSigner, "id@x", 7);
    CHECK(ViaBranch::parse(text));
    for (std::size_t dot = text.find('.'); dot != std::string::npos; dot = text.find('.', dot + 1)) {
      std::string changed = text;
      changed[dot] = '-';
      INFO(changed);
      CHECK_FALSE(ViaBranch::parse(changed));
    }
  }
}

TEST_CASE("call ids are 26 characters, sorted by time, and read back") {
  std::uint64_t seed = 0;
  const RandomSource random = [&seed] { return ++seed * 0x9e3779b97f4a7c15ull; };
  const auto at = [](std::int64_t ms) { return WallTime{std::chrono::milliseconds(ms)}; };
  const CallId first = CallId::make(at(1'700'000'000'000), random);
  const CallId second = CallId::make(at(1'700'000'000'001), random);
  CHECK(first.to_string().size() == 26);
  CHECK(first.to_string() < second.to_string());
  CHECK(first.to_string().substr(0, 10) == "01HF7YAT00");
  CHECK(CallId::parse(first.to_string()) == first);
  for (const auto* text : {"", "01HF7YAT00", "81HF7YAT000000000000000000", "01HF7YAT0000000000000000U0"}) {
    CHECK_FALSE(CallId::parse(text));
  }
}

}  // namespace ringtrace::sip
