#include "sip/dialed_number.h"

#include <catch2/catch.hpp>

#include "sip/caller.h"
#include "tests/sip/fake_world.h"

namespace ringtrace::sip {

TEST_CASE("numbers are read in the forms trunks write them") {
  const NumberPlan russia{"810", "8", "7"};
  const NumberPlan germany{"00", "0", "49"};
  const NumberPlan plain;
  struct Case {
    const char* user;
    const NumberPlan& plan;
    const char* expected;
  };
  const Case cases[] = {
      {"+74950000001", plain, "+74950000001"},     {"74950000001", plain, "+74950000001"},
      {"0074950000001", plain, "+74950000001"},    {"%2B74950000001", plain, "+74950000001"},
      {"+7(495)000-00-01", plain, "+74950000001"}, {"+74950000001;npdi;rn=+7999", plain, "+74950000001"},
      {"84950000001", russia, "+74950000001"},     {"8104930123456", russia, "+4930123456"},
      {"+84950000001", russia, "+84950000001"},    {"030123456", germany, "+4930123456"},
  };
  for (const Case& c : cases) {
    INFO(c.user);
    const auto number = parse_number(c.user, c.plan);
    REQUIRE(number);
    CHECK(number->to_string() == c.expected);
  }
}

TEST_CASE("what is no number is none, and is shown as received") {
  const auto* user =
      GENERATE("", "+", "alice", "12a4567", "0", "+1234567890123456", "+0123456", "##21#", "*43");
  const auto number = parse_number(user, {});
  CHECK_FALSE(number);
  CHECK(display_number(number, user) == user);
}

TEST_CASE("an endless name is cut before it is shown") {
  CHECK(display_number(std::nullopt, std::string(500, 'x')).size() == 64);
}

TEST_CASE("the caller is the asserted one, then From, unless withheld") {
  const auto caller = [](const std::string& extra, const std::string& from = "") {
    std::string text = test::invite({.extra = extra});
    if (!from.empty()) {
      const std::string old = "<sip:+79161234567@carrier.example>";
      text.replace(text.find(old), old.size(), from);
    }
    const Message message = Message::parse(text);
    REQUIRE(message.is_well_formed());
    return caller_of(message, {}).text;
  };
  CHECK(caller("") == "+79161234567");
  CHECK(caller("P-Asserted-Identity: \"A <b>\" <sip:+79990000002@x>\r\n") == "+79990000002");
  CHECK(caller("P-Asserted-Identity: <tel:+79990000003>, <sip:a@x>\r\n") == "+79990000003");
  CHECK(caller("P-Asserted-Identity: broken\r\n") == "+79161234567");
  CHECK(caller("P-Asserted-Identity: <sip:+79990000002@x>\r\nPrivacy: id\r\n").empty());
  CHECK(caller("Privacy: none\r\n") == "+79161234567");
  CHECK(caller("", "<sip:anonymous@anonymous.invalid>").empty());
  CHECK(caller("", "\"Anonymous\" <sip:Anonymous@carrier.example>").empty());
  CHECK(caller("", "<sip:alice@carrier.example>") == "alice");
  CHECK(caller("", "<tel:+79161112233>") == "+79161112233");
}

}  // namespace ringtrace::sip
