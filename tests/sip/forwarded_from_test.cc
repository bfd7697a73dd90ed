#include "sip/forwarded_from.h"

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {
namespace {

// Of a call to +74950000001 over a trunk that writes national numbers with an 8.
std::string from(const std::string& extra) {
  NumberPlan plan;
  plan.national_prefix = "8";
  plan.country_code = "7";
  const NumberReader reader = std::get<NumberReader>(NumberReader::compile(plan));
  const Message message = Message::parse(invite({.extra = extra}));
  REQUIRE(message.is_well_formed());
  const auto dialed = pool::Number::parse("+74950000001");
  REQUIRE(dialed.has_value());
  return forwarded_from(message, {dialed, dialed->to_string()}, reader);
}

}  // namespace

TEST_CASE("a call that nobody forwarded is told so") {
  CHECK(from("").empty());
  CHECK(from("Diversion: broken\r\nHistory-Info: ,;\r\n").empty());
  CHECK(from("Diversion: <sip:10.0.0.1>\r\n").empty());
}

TEST_CASE("RFC 5806: who diverted last comes first, and the number that was dialed is not who") {
  CHECK(from("Diversion: \"A, <b>\" <sip:84950000004@x>;reason=no-answer, <tel:+74950000005>\r\n"
             "Diversion: <sip:+74950000006@x>\r\n") == "+74950000004");
  CHECK(from("Diversion: <sip:84950000001@x>\r\nDiversion: <sip:+74950000006@x>\r\n") == "+74950000006");
  CHECK(from("Diversion: <sip:+74950000001@x>\r\n").empty());
  CHECK(from("Diversion: <sip:desk@x>;reason=unconditional\r\n") == "desk");
}

TEST_CASE("RFC 7044: the latest target that is not the dialed number forwarded the call") {
  CHECK(from("History-Info: <sip:+74950000007@x>;index=1\r\n"
             "History-Info: <sip:+74950000008@x?Reason=SIP%3Bcause%3D302>;index=1.1\r\n"
             "History-Info: <sip:84950000001@10.0.0.1>;index=1.1.1;mp=1.1\r\n") == "+74950000008");
  CHECK(from("History-Info: <sip:+74950000007@x>;index=1, <sip:+74950000001@y>;index=1.1\r\n") ==
        "+74950000007");
  CHECK(from("History-Info: <sip:+74950000001@x>;index=1, <sip:84950000001@y>;index=1.1;np=1\r\n").empty());
  CHECK(from("Diversion: <sip:+74950000006@x>\r\nHistory-Info: <sip:+74950000007@x>;index=1\r\n") ==
        "+74950000006");
}

TEST_CASE("who forwarded a call and asks for privacy is not told, nor who did before him in his place") {
  for (const char* privacy : {"full", "uri", "\"full\""}) {
    INFO(privacy);
    CHECK(
        from("Diversion: <sip:+74950000004@x>;privacy=" + std::string(privacy) + ", <sip:+74950000005@x>\r\n")
            .empty());
  }
  for (const char* privacy : {"off", "name"})
    CHECK(from("Diversion: <sip:+74950000004@x>;privacy=" + std::string(privacy) + "\r\n") == "+74950000004");
  CHECK(from("Diversion: <sip:anonymous@anonymous.invalid>, <sip:+74950000005@x>\r\n").empty());
  CHECK(from("Diversion: <sip:+74950000001@x>;privacy=full, <sip:+74950000005@x>\r\n") == "+74950000005");
  const std::string history = "History-Info: <sip:+74950000007@x>;index=1, <sip:+74950000008@x";
  CHECK(from(history + "?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1.1\r\n").empty());
  CHECK(from(history + "?privacy=none>;index=1.1\r\n") == "+74950000008");
  for (const char* privacy : {"id;history", "id, history", "id\r\nPrivacy: Header", "session"}) {
    INFO(privacy);
    CHECK(from(history + ">;index=1.1\r\nPrivacy: " + privacy + "\r\n").empty());
  }
  // The caller's own wish is not that of who forwarded the call.
  CHECK(from(history + ">;index=1.1\r\nPrivacy: id\r\n") == "+74950000008");
}

TEST_CASE("each event of a call tells from where it was forwarded, and the header passes") {
  FakeWorld world;
  const std::string diversion = "Diversion: <sip:+74950000004@x>;reason=unconditional\r\n";
  const Established call = establish(world, {.extra = diversion});
  CHECK(call.invited.text.find(diversion) != std::string::npos);
  REQUIRE(world.events.size() == 2);
  for (const v1::CallEvent& event : world.events) CHECK(event.call().forwarded_from() == "+74950000004");
}

}  // namespace ringtrace::sip::test
