#include "sip/registration.h"

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {
namespace {

using std::chrono::seconds;

const Hop kFirst = *Hop::parse("udp:203.0.113.5:5060");
const Hop kSecond = *Hop::parse("udp:203.0.113.6:5060");

// One account, its registrars and the time.
struct Account {
  Registration registration{
      {{{Transport::kUdp, "sip.carrier.example", 0}}, "", "100", "auth100", "secret", seconds{600}},
      "rt0123456789abcdef",
      [this] { return draw += 7; },
      SteadyTime{}};
  std::vector<Hop> places = {kFirst, kSecond};
  std::uint64_t draw = 0;
  SteadyTime now{};

  std::optional<Registration::Attempt> due() {
    return registration.due(
        places, [](const Hop&) { return std::string("198.18.0.1:5060"); }, now);
  }
  // The REGISTER due now, as text.
  std::string text(const Hop& at = kFirst) {
    const auto attempt = due();
    REQUIRE(attempt);
    CHECK(attempt->registrar == at);
    std::string lines = attempt->request.method + " " + attempt->request.uri + "\n";
    for (const std::string& line : attempt->request.headers) lines += line + "\n";
    cseq = attempt->request.cseq;
    return lines;
  }
  void answer(int status, const std::string& extra = "") {
    const Message message = Message::parse(
        "SIP/2.0 " + std::to_string(status) +
        " X\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKx\r\nFrom: <sip:100@x>;tag=a\r\nTo: "
        "<sip:100@x>;tag=b\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n" +
        extra + "Content-Length: 0\r\n\r\n");
    REQUIRE(message.is_well_formed());
    registration.answered(&message, now);
  }
  void register_now(
      const std::string& granted = "Contact: <sip:rt0123456789abcdef@198.18.0.1>;expires=600\r\n") {
    static_cast<void>(text());
    answer(200, granted);
  }
  RegistrationState state() const { return registration.status().state; }

  std::uint32_t cseq = 0;
};

const std::string kChallenge = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n";

}  // namespace

TEST_CASE("an account is registered with our contact and refreshed before it expires") {
  Account account;
  const std::string first = account.text();
  CHECK(first.starts_with("REGISTER sip:sip.carrier.example\n"));
  CHECK(first.find("Contact: <sip:rt0123456789abcdef@198.18.0.1:5060>;expires=600\n") != std::string::npos);
  CHECK(first.find("Authorization") == std::string::npos);
  CHECK_FALSE(account.due());  // one at a time
  account.answer(200,
                 "Contact: <sip:other@x>;expires=30, <sip:rt0123456789abcdef@198.18.0.1>;expires=100\r\n");
  CHECK(account.state() == RegistrationState::kRegistered);
  CHECK(account.registration.status().expires == account.now + seconds(100));
  account.now += seconds(49);
  CHECK_FALSE(account.due());
  account.now += seconds(31);
  CHECK(account.due());
}

TEST_CASE("the time granted may stand in Expires, or nowhere") {
  Account account;
  account.register_now("Expires: 120\r\n");
  CHECK(account.registration.status().expires == account.now + seconds(120));
  Account silent;
  silent.register_now("");
  CHECK(silent.registration.status().expires == silent.now + seconds(600));
}

TEST_CASE("a challenge is answered, its nonce used again with a higher count, and a stale one replaced") {
  Account account;
  static_cast<void>(account.text());
  account.answer(401, kChallenge);
  const std::string second = account.text();
  CHECK(account.cseq == 2);
  CHECK(second.find("Authorization: Digest username=\"auth100\", realm=\"carrier\", nonce=\"n1\"") !=
        std::string::npos);
  CHECK(second.find("nc=00000001") != std::string::npos);
  account.answer(200, "Expires: 100\r\n");
  account.now += seconds(90);
  CHECK(account.text().find("nc=00000002") != std::string::npos);
  account.answer(401,
                 "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n2\", stale=true, qop=\"auth\"\r\n");
  const std::string renewed = account.text();
  CHECK(renewed.find("nonce=\"n2\"") != std::string::npos);
  CHECK(renewed.find("nc=00000001") != std::string::npos);
  account.answer(200, "Expires: 100\r\n");
  CHECK(account.state() == RegistrationState::kRegistered);
}

TEST_CASE("407 is answered in Proxy-Authorization") {
  Account account;
  static_cast<void>(account.text());
  account.answer(407, "Proxy-Authenticate: Digest realm=\"edge\", nonce=\"n\", algorithm=SHA-256\r\n");
  CHECK(account.text().find("\nProxy-Authorization: Digest username=") != std::string::npos);
}

TEST_CASE("a wrong password is not tried over and over") {
  Account account;
  static_cast<void>(account.text());
  account.answer(401, kChallenge);
  static_cast<void>(account.text());
  account.answer(401, kChallenge);
  CHECK(account.state() == RegistrationState::kRejected);
  CHECK_FALSE(account.due());
  account.now += seconds(4);
  CHECK_FALSE(account.due());
  account.now += seconds(3);
  static_cast<void>(account.text());
  account.answer(403);
  account.now += seconds(9);
  CHECK_FALSE(account.due());  // the pause has doubled
  account.now += seconds(4);
  CHECK(account.due());
}

TEST_CASE("an interval that is too brief is asked for again as long as the registrar wants it") {
  Account account;
  static_cast<void>(account.text());
  account.answer(423, "Min-Expires: 1800\r\n");
  CHECK(account.text().find("expires=1800\n") != std::string::npos);
  account.answer(423, "Min-Expires: 60\r\n");
  CHECK(account.state() == RegistrationState::kRejected);
}

TEST_CASE("the next registrar is asked when one is silent or broken, and all of them again after a pause") {
  Account account;
  static_cast<void>(account.text());
  account.registration.answered(nullptr, account.now);
  static_cast<void>(account.text(kSecond));
  account.answer(503);
  CHECK(account.state() == RegistrationState::kUnreachable);
  CHECK_FALSE(account.due());
  account.now += seconds(7);
  static_cast<void>(account.text(kFirst));
  account.registration.answered(nullptr, account.now);
  static_cast<void>(account.text(kSecond));
  account.answer(200, "Expires: 100\r\n");
  CHECK(account.state() == RegistrationState::kRegistered);
  account.now += seconds(90);
  static_cast<void>(account.text(kSecond));  // who served stays
  CHECK(account.registration.status().failures == 3);
}

TEST_CASE("calls still come while a registration lasts whose refresh fails") {
  Account account;
  account.register_now();
  account.now += seconds(500);
  static_cast<void>(account.text());
  account.answer(403);
  CHECK(account.state() == RegistrationState::kRegistered);
  account.now += seconds(101);
  static_cast<void>(account.text());
  CHECK(account.state() == RegistrationState::kTrying);
}

TEST_CASE("an account whose registrars lead nowhere waits for DNS") {
  Account account;
  account.places.clear();
  CHECK_FALSE(account.due());
  CHECK(account.state() == RegistrationState::kUnreachable);
  account.places = {kFirst};
  account.now += seconds(7);
  CHECK(account.due());
}

}  // namespace ringtrace::sip::test
