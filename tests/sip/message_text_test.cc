#include "sip/message_text.h"

#include <catch2/catch.hpp>

#include "sip/message_defect.h"
#include "sip/plain_message.h"
#include "tests/sip/fake_world.h"
#include "tests/sip/torture_messages.h"

namespace ringtrace::sip {

using test::header;
using test::invite;

namespace {

std::string with(std::string text, const std::string& old, const std::string& fresh) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), fresh);
}

}  // namespace

TEST_CASE("white space that RFC 3261 allows is read over, and leaves as it came") {
  const std::string odd =
      "v:  SIP  / 2.0  / UDP\r\n   192.0.2.7 :  5070 ;\r\n  branch  =   z9hG4bK-odd  ,\r\n SIP / 2.0/TCP   b "
      "; branch=\r\n "
      "z9hG4bK-2\r\n";
  const std::string to =
      "TO :\r\n \"A \\\" <sip:no>;tag=no\" <sip:+74950000001@198.18.0.1> ;   tag    = yes\r\n";
  std::string text = with(invite(), "To: <sip:+74950000001@198.18.0.1>\r\n", to);
  text = with(text, "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-caller-1\r\n", odd);
  const Message message = Message::parse(text);
  REQUIRE(message.is_well_formed());
  CHECK(message.via_count() == 2);
  CHECK(message.via(0).protocol == "SIP/2.0/UDP");
  CHECK(message.via(0).host == "192.0.2.7");
  CHECK(message.via(0).port == "5070");
  CHECK(message.via(0).branch == "z9hG4bK-odd");
  CHECK(message.via(1).branch == "z9hG4bK-2");
  CHECK(message.to_tag() == "yes");
  CHECK(message.to_uri().user == "+74950000001");
  Message copy = message.clone();
  copy.set_max_forwards(1);
  copy.prepend_via("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKrt.1");
  REQUIRE(copy.prepare());
  CHECK(copy.to_string().find(to) != std::string::npos);
  CHECK(copy.to_string().find(odd) != std::string::npos);
}

TEST_CASE("what stands in quotes is no parameter, no address and no comma") {
  const AddressView address =
      read_address("\"Bell, <sip:a@b>;tag=1\" <sip:c@d;x=1;tag=2>;note=\"a;tag=3\";tag=4");
  CHECK(address.uri == "sip:c@d;x=1;tag=2");
  CHECK(parameter_of(address.parameters, "TAG") == "4");
  std::string_view values = "<sip:a,b@c>, \"x, y\" <sip:d>,sip:e";
  CHECK(take_value(values) == "<sip:a,b@c>");
  CHECK(take_value(values) == "\"x, y\" <sip:d>");
  CHECK(take_value(values) == "sip:e");
  CHECK(values.empty());
}

TEST_CASE("a URI is taken into its parts") {
  const UriView uri = read_uri("SIP:+7;ext=1:secret@[2001:db8::1]:5070;transport=tcp;lr?Subject=x");
  CHECK(uri.scheme == "sip");
  CHECK(uri.user == "+7;ext=1");
  CHECK(uri.host == "[2001:db8::1]");
  CHECK(uri.port == "5070");
  CHECK(uri.parameters == "transport=tcp;lr");
  CHECK(uri.headers == "Subject=x");
  CHECK(read_uri("tel:+123;phone-context=x").user == "+123");
  CHECK(read_uri("nonsense").scheme.empty());
}

TEST_CASE("what comes behind the body of a datagram is not passed on") {
  Message message = Message::parse(with(invite(), "v=0\r\n", "v=0\r\nINVITE sip:smuggled SIP/2.0\r\n"));
  REQUIRE(message.is_well_formed());
  REQUIRE(message.prepare());
  CHECK(message.to_string().ends_with("\r\n\r\nv=0\r\n"));
}

TEST_CASE("the body begins behind the empty line, though it begins with a blank") {
  const std::string blank = " Max-Forwards: 9\r\n";
  for (const std::string& text : {invite(), with(invite(), "CSeq: 1 INVITE\r\n", "CSeq: 1\r\n INVITE\r\n")}) {
    std::string whole = with(text, "Content-Length: 5", "Content-Length: " + std::to_string(blank.size()));
    whole = with(whole, "v=0\r\n", blank);
    const MessageParts parts = take_apart(whole);
    CHECK(parts.body == blank);
    CHECK(parts.rows.back().field == Field::kContentLength);
    Message message = Message::parse(whole);
    REQUIRE(message.is_well_formed());
    CHECK(message.max_forwards() == 70);
    REQUIRE(message.prepare());
    CHECK(message.to_string() == whole);
  }
  const std::string bare = "INVITE sip:1@a SIP/2.0\r\n\r\n To: <sip:b@a>;tag=1\r\n\r\n";
  CHECK(first_row(bare, Field::kTo).empty());
}

TEST_CASE("what a stream sends is the very text, zeroes included") {
  const std::string text("SIP/2.0 200 OK\r\nContent-Length: 4\r\n\r\n\x01\x00\x02\x00", 41);
  const SofiaMessage message = make_verbatim(text);
  REQUIRE(message != nullptr);
  CHECK(text_of(message.get()) == text);
}

TEST_CASE("the usual messages are plain, and need no further judgement") {
  CHECK(is_plain(take_apart(invite())));
  CHECK(
      is_plain(take_apart(invite({.extra = "Route: <sip:192.0.2.1;lr>, <sip:[2001:db8::1]:5060;lr>\r\n"}))));
  CHECK(is_plain(take_apart(with(invite(), "From: <", "From: \"Carrier\" <"))));
  CHECK(is_plain(take_apart(with(invite(), "From: <", "From: carrier <"))));
  // As many lines repeat the Via headers they got.
  CHECK(is_plain(
      take_apart(with(invite(), ";branch=", ";branch=z9hG4bK-1, SIP/2.0/TCP b.example:5070;branch="))));
}

TEST_CASE("what is wrong, or only odd, is not plain") {
  const std::string text = invite();
  const std::string cseq = "CSeq: 1 INVITE\r\n";
  for (const std::string& odd : {with(text, cseq, ""),
                                 with(text, cseq, cseq + cseq),
                                 with(text, cseq, "CSeq: 1 BYE\r\n"),
                                 with(text, cseq, "CSeq: 99999999999 INVITE\r\n"),
                                 with(text, cseq, "CSeq 1 INVITE\r\n"),
                                 with(text, cseq, "CSeq: 1\r\n INVITE\r\n"),
                                 with(text, cseq, "CSeq: 1 INVITE\rTo: x\r\n"),
                                 with(text, cseq, "CSeq: 1 INVITE\n"),
                                 with(text, " SIP/2.0\r\n", " SIP/3.0\r\n"),
                                 with(text, " SIP/2.0\r\n", " SIP/2.0\r\n \r\n "),
                                 with(text, " SIP/2.0\r\n", " SIP/2.0\r\n\r\n "),
                                 with(text, "INVITE sip:", "INVITE  sip:"),
                                 with(text, "INVITE sip:", "INVITE sip:%"),
                                 with(text, "Content-Length: 5", "Content-Length: 6"),
                                 with(text, "Content-Length: 5", "Content-Length: -5"),
                                 with(text, ";branch=", ";;branch="),
                                 with(text, ";tag=", ";tag=\"x"),
                                 with(text, "From: <", "From: a b@ <"),
                                 with(text, ";branch=", ";branch=z9hG4bK-1, ;branch="),
                                 text.substr(0, text.find("\r\n\r\n"))}) {
    INFO(odd);
    CHECK_FALSE(is_plain(take_apart(odd)));
  }
}

TEST_CASE("empty lines before a message are overlooked, however it is written (RFC 3261 section 7.5)") {
  const std::string plain = invite();
  const std::string odd = with(plain, "CSeq: 1 INVITE\r\n", "CSeq: 1\r\n INVITE\r\n");
  for (const std::string& text : {plain, odd}) {
    CHECK_FALSE(find_defect("\r\n\r\n" + text));
    CHECK(Message::parse("\r\n\r\n" + text).is_well_formed());
  }
}

TEST_CASE("nothing that the whole parser finds wrong is plain") {
  std::size_t wrong = 0;
  for (const auto* file : {"rfc4475_valid.txt", "rfc4475_invalid.txt", "rfc5118.txt"}) {
    for (const auto& message : test::read_torture_messages(std::string(TORTURE_MESSAGES) + "/" + file)) {
      INFO(message.name);
      if (!find_defect(message.bytes)) continue;
      ++wrong;
      CHECK_FALSE(is_plain(take_apart(message.bytes)));
    }
  }
  CHECK(wrong > 10);
}

}  // namespace ringtrace::sip
