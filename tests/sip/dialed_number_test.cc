#include "sip/dialed_number.h"

#include <catch2/catch.hpp>
#include <set>

#include "sip/caller.h"
#include "tests/sip/fake_world.h"

namespace ringtrace::sip {

namespace {

NumberReader reader_of(const NumberPlan& plan) {
  auto reader = NumberReader::compile(plan);
  REQUIRE(std::holds_alternative<NumberReader>(reader));
  return std::get<NumberReader>(reader);
}

// The number that a trunk with this plan means; "" for none.
std::string read(const NumberPlan& plan, std::string_view user) {
  const auto number = reader_of(plan).read(user);
  return number ? number->to_string() : std::string{};
}

NumberPlan region(const std::string& code) {
  NumberPlan plan;
  plan.region = code;
  return plan;
}

Message invite_with(const std::string& extra, const std::string& uri = "sip:+74950000001@198.18.0.1") {
  Message message = Message::parse(test::invite({.uri = uri, .extra = extra}));
  REQUIRE(message.is_well_formed());
  return message;
}

struct Known final : Attribution {
  explicit Known(std::set<std::string> numbers) : numbers_(std::move(numbers)) {}
  v1::Resolution attribute(const pool::ResolveQuery&) override { return {}; }
  bool knows(pool::Number number) const override { return numbers_.contains(number.to_string()); }
  std::set<std::string> numbers_;
};

}  // namespace

TEST_CASE("numbers are read in the forms trunks write them") {
  const NumberPlan russia{"810", "8", "7", "", {}};
  const NumberPlan germany{"00", "0", "49", "", {}};
  const NumberPlan plain;
  struct Case {
    const char* user;
    const NumberPlan& plan;
    const char* expected;
  };
  const Case cases[] = {
      {"+74950000001", plain, "+74950000001"},
      {"74950000001", plain, "+74950000001"},
      {"0074950000001", plain, "+74950000001"},
      {"%2B74950000001", plain, "+74950000001"},
      {"%2b7495%30000001", plain, "+74950000001"},
      {"+7495000000%", plain, ""},
      {"+7(495)000-00-01", plain, "+74950000001"},
      {"+74950000001;npdi;rn=+7999", plain, "+74950000001"},
      {"0001;phone-context=+7495000", plain, "+74950000001"},
      {"84950000001", russia, "+74950000001"},
      {"8104930123456", russia, "+4930123456"},
      {"+84950000001", russia, "+84950000001"},
      {"030123456", germany, "+4930123456"},
  };
  for (const Case& c : cases) {
    INFO(c.user);
    CHECK(read(c.plan, c.user) == c.expected);
  }
}

TEST_CASE("a region's dialing rules read national numbers") {
  CHECK(read(region("RU"), "84950000001") == "+74950000001");
  CHECK(read(region("RU"), "4950000001") == "+74950000001");
  CHECK(read(region("RU"), "74950000001") == "+74950000001");
  CHECK(read(region("RU"), "8104930901820") == "+4930901820");
  CHECK(read(region("RU"), "004930901820") == "+4930901820");
  CHECK(read(region("DE"), "030901820") == "+4930901820");
  CHECK(read(region("US"), "2025550101") == "+12025550101");
  CHECK(read(region("US"), "(202) 555-0101") == "+12025550101");
  // Italy keeps the zero of its area codes.
  CHECK(read(region("IT"), "0669812345") == "+390669812345");
  CHECK(read(region("US"), "101").empty());
}

TEST_CASE("rewrites repair what a trunk writes before it is read") {
  NumberPlan plan;
  plan.rewrites = {{R"(^1777(\d{10})$)", R"(+1\1)"}, {R"(^(\d{11})\d\d$)", R"(+\1)"}, {"^", "never"}};
  CHECK(read(plan, "17772025550101") == "+12025550101");
  CHECK(read(plan, "1202555010142") == "+12025550101");  // a category glued to the number
  const auto error_of = [](const NumberRewrite& rewrite) {
    NumberPlan wrong;
    wrong.rewrites = {rewrite};
    const auto reader = NumberReader::compile(wrong);
    return std::holds_alternative<std::string>(reader) ? std::get<std::string>(reader) : std::string{};
  };
  CHECK(error_of({"(", ""}) == "the rewrite of '(': missing ): (");
  CHECK(error_of({"a", "\\2"}).starts_with("the rewrite of 'a': "));
  const auto no_region = NumberReader::compile(region("XX"));
  REQUIRE(std::holds_alternative<std::string>(no_region));
  CHECK(std::get<std::string>(no_region) == "'XX' is no region such as RU or DE");
}

TEST_CASE("what is no number is none, and is shown as received") {
  const auto* user = GENERATE("", "+", "alice", "12a4567", "0", "+1234567890123456", "+0123456", "##21#",
                              "*43", "5;phone-context=example.com", "1;phone-context=+x");
  const auto number = NumberReader{}.read(user);
  CHECK_FALSE(number);
  CHECK(display_number(number, user) == user);
}

TEST_CASE("RFC 5806, RFC 7044: the dialed number is looked for where the trunk writes it") {
  const std::string all =
      "P-Called-Party-ID: <sip:+74950000003@x>\r\n"
      "Diversion: \"A, <b>\" <sip:+74950000004@x>;reason=unknown, <tel:+74950000005>\r\n"
      "Diversion: <sip:+74950000006@x>\r\n"
      "History-Info: <sip:+74950000007@x>;index=1, <sip:desk@x>;index=1.1\r\n"
      "History-Info: <sip:+74950000008@x?Reason=SIP%3Bcause%3D302>;index=1.1.1\r\n"
      "X-DID: 74950000009;x=1\r\n";
  Message message = invite_with(all);
  const auto texts = [&](const char* source) {
    const auto parsed = DialedSource::parse(source);
    REQUIRE(parsed);
    std::vector<std::string> copies;
    for (const std::string_view text : dialed_texts(message, *parsed)) copies.emplace_back(text);
    return copies;
  };
  using Texts = std::vector<std::string>;
  CHECK(texts("r-uri") == Texts{"+74950000001"});
  CHECK(texts("TO") == Texts{"+74950000001"});
  CHECK(texts("p-called-party-id") == Texts{"+74950000003"});
  CHECK(texts("diversion") == Texts{"+74950000004", "+74950000005", "+74950000006"});
  CHECK(texts("history-info") == Texts{"+74950000008", "desk", "+74950000007"});
  CHECK(texts("header:x-did") == Texts{"74950000009"});
  CHECK(texts("header:X-None").empty());
  CHECK_FALSE(DialedSource::parse("header:"));
  CHECK_FALSE(DialedSource::parse("header:a b"));
  CHECK_FALSE(DialedSource::parse("from"));
}

TEST_CASE("of all sources the first number of a pool wins, else the first number, else the text") {
  const std::vector<DialedSource> sources = {*DialedSource::parse("r-uri"), *DialedSource::parse("to"),
                                             *DialedSource::parse("diversion")};
  const Message message = invite_with("Diversion: <sip:+74950000004@x>, <sip:+74950000005@x>\r\n");
  const NumberReader reader;
  CHECK(dialed_of(message, sources, reader, Known({"+74950000005"})).text == "+74950000005");
  CHECK(dialed_of(message, sources, reader, Known({"+74950000001", "+74950000005"})).text == "+74950000001");
  CHECK(dialed_of(message, sources, reader, Known({})).text == "+74950000001");

  const Message account = invite_with("", "sip:account-7@198.18.0.1");
  CHECK(dialed_of(account, sources, reader, Known({})).text == "account-7");
  CHECK_FALSE(dialed_of(account, sources, reader, Known({})).number);
}

TEST_CASE("the line gets the Request-URI's user as received unless the number stood elsewhere") {
  const NumberReader reader = reader_of(region("RU"));
  const Message national = invite_with("", "sip:84950000001@198.18.0.1");
  const Party dialed{pool::Number::parse("+74950000001"), "+74950000001"};
  CHECK(user_for_line(national, dialed, reader) == "84950000001");
  const Message account = invite_with("", "sip:account-7@198.18.0.1");
  CHECK(user_for_line(account, dialed, reader) == "+74950000001");
  CHECK(user_for_line(account, {std::nullopt, "account-7"}, reader) == "account-7");
}

TEST_CASE("an endless name is cut before it is shown") {
  CHECK(display_number(std::nullopt, std::string(500, 'x')).size() == 64);
}

TEST_CASE("what is shown is UTF-8, whatever bytes a trunk writes") {
  const auto shown = [](std::string_view user) { return display_number(std::nullopt, user); };
  CHECK(shown("j\u00fcrgen \u4e2d \U0001f600") == "j\u00fcrgen \u4e2d \U0001f600");
  CHECK(shown("a\xff\xfe"
              "b\xc3") == "ab");
  CHECK(shown("\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80x") == "x");  // overlong, a surrogate, beyond Unicode
  CHECK(shown(std::string(63, 'x') + "\u00fc") == std::string(63, 'x'));
  const Message invite = Message::parse(test::invite({.extra = "P-Asserted-Identity: <sip:a\xff@x>\r\n"}));
  REQUIRE(invite.is_well_formed());
  CHECK(caller_of(invite, NumberReader{}, true).text == "a");
}

TEST_CASE("RFC 3325: the caller is the asserted one, then From, unless withheld") {
  const auto caller = [](const std::string& extra, const std::string& from = "", bool trusted = true) {
    std::string text = test::invite({.extra = extra});
    if (!from.empty()) {
      const std::string old = "<sip:+79161234567@carrier.example>";
      text.replace(text.find(old), old.size(), from);
    }
    const Message message = Message::parse(text);
    REQUIRE(message.is_well_formed());
    return caller_of(message, NumberReader{}, trusted).text;
  };
  CHECK(caller("") == "+79161234567");
  CHECK(caller("P-Asserted-Identity: \"A <b>\" <sip:+79990000002@x>\r\n") == "+79990000002");
  CHECK(caller("P-Asserted-Identity: <tel:+79990000003>, <sip:a@x>\r\n") == "+79990000003");
  CHECK(caller("P-Asserted-Identity: <sip:desk@x>\r\nP-Asserted-Identity: <tel:+79990000004>\r\n") ==
        "+79990000004");
  CHECK(caller("P-Asserted-Identity: <sip:desk@x>\r\n") == "desk");
  CHECK(caller("P-Asserted-Identity: broken\r\n") == "+79161234567");
  CHECK(caller("P-Asserted-Identity: <sip:+79990000002@x>\r\nPrivacy: id\r\n").empty());
  CHECK(caller("P-Preferred-Identity: <sip:+79990000002@x>\r\n") == "+79161234567");
  CHECK(caller("P-Asserted-Identity: <sip:+79990000002@x>\r\n", "", false) == "+79161234567");
  CHECK(caller("P-Asserted-Identity: <sip:+79990000002@x>\r\nPrivacy: id\r\n", "", false).empty());
  for (const char* privacy : {"none", "", "NONE;", " none , none"})
    CHECK(caller("Privacy: " + std::string(privacy) + "\r\n") == "+79161234567");
  for (const char* privacy : {"user", "none;id", "critical", "none\r\nPrivacy: header", "\r\nPrivacy: id"}) {
    INFO(privacy);
    CHECK(caller("Privacy: " + std::string(privacy) + "\r\n").empty());
  }
  CHECK(caller("", "<sip:anonymous@anonymous.invalid>").empty());
  CHECK(caller("", "\"Anonymous\" <sip:Anonymous@carrier.example>").empty());
  CHECK(caller("", "<sip:alice@carrier.example>") == "alice");
  CHECK(caller("", "<tel:+79161112233>") == "+79161112233");
}

}  // namespace ringtrace::sip
