#include "sip/raw_message.h"

#include <catch2/catch.hpp>

#include "sip/message.h"
#include "tests/sip/fake_world.h"

namespace ringtrace::sip {

using test::header;
using test::headers;

TEST_CASE("a message's text is looked through without being understood") {
  const std::string text =
      "INVITE sip:a b@c SIP/2.0\r\nv : SIP/2.0/UDP h;branch=1\r\nSubject: one\r\n two\r\nTO: "
      "<sip:x;tag=no>\r\n"
      "\t;tag=yes\r\nno colon\r\nVia: second\r\n\r\nBody: no\r\n";
  const RawMessage raw(text);
  CHECK(raw.is_request());
  CHECK(raw.method() == "INVITE");
  CHECK(raw.headers().size() == 4);
  CHECK(raw.header("Via", 'v') == "SIP/2.0/UDP h;branch=1");
  CHECK(raw.header("Subject", 's') == "one\r\n two");
  CHECK(raw.to_tag() == "yes");
  CHECK(raw.header("Body", '\0').empty());
}

TEST_CASE("the To tag is found without looking through the whole message") {
  const auto bye = [](const std::string& to) {
    return "\r\nBYE sip:1@b SIP/2.0\r\nVia: x\r\n" + to + "\r\n\r\nTo: <sip:1@b>;tag=body\r\n";
  };
  for (const auto* to : {"To: <sip:1@b;tag=no>;tag=yes", "t : \"a\" <sip:1@b>; x=y ;tag= yes",
                         "To: <sip:1@b>\r\n ;tag=yes\r\nTo: <sip:1@b>;tag=second"}) {
    const std::string text = bye(to);
    INFO(text);
    CHECK(raw_to_tag(text) == "yes");
    CHECK(raw_to_tag(text) == RawMessage(text).to_tag());
  }
  CHECK(raw_to_tag(bye("From: <sip:1@b>;tag=1")).empty());
  CHECK(raw_to_tag("").empty());
}

TEST_CASE("what names no method and version is no request") {
  for (const auto* text :
       {"", "\r\n\r\n", "hello", "SIP/2.0 200 OK\r\n", "GET / HTTP/1.0\r\n", "INVITE SIP/2.0"}) {
    CHECK_FALSE(RawMessage(text).is_request());
  }
}

TEST_CASE("a broken request is answered with what it holds") {
  const std::string text =
      "OPTIONS sip:x SIP/7.0\r\nVia: SIP/2.0/UDP a;branch=1\r\nv: SIP/2.0/UDP b\r\nt: sip:x\r\nCSeq: 1 "
      "OPTIONS\r\n\r\n";
  const std::string response = make_raw_response(RawMessage(text), 505, "Version Not Supported", "rtx1");
  CHECK(test::first_line(response) == "SIP/2.0 505 Version Not Supported");
  CHECK(headers(response, "Via").size() == 2);
  CHECK(header(response, "To") == "sip:x;tag=rtx1");
  CHECK(headers(response, "From").empty());
  CHECK(header(response, "CSeq") == "1 OPTIONS");
  CHECK(make_raw_response(RawMessage("INVITE sip:x SIP/2.0\r\nTo: x\r\n\r\n"), 400, "No", "t").empty());
}

TEST_CASE("what the proxy does not need leaves as it came, byte for byte") {
  const std::string odd =
      "date: Fri, 01 Jan 2010 16:00:00 EST+bad\r\nIDENTITY  :   "
      "\"ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJfzB2a1pxAr3VgrB\"  \r\n"
      "X-Odd: ;;,,;;,;\r\nm: <sip:a b>;;q=notanumber\r\nS:  spaced   out \r\n folded\r\nRequire: 100rel,,\r\n"
      "P-Asserted-Identity: \"A\" <sip:+1@x>\r\nContent-Disposition: ;;\r\n";
  Message copy = Message::parse(test::invite({.extra = odd})).clone();
  copy.prepend_via("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKrt.1;rport");
  copy.set_max_forwards(12);
  copy.prepend_record_route("sip:198.18.0.1:5060;lr");
  REQUIRE(copy.prepare());
  const std::string text = copy.to_string();
  INFO(text);
  CHECK(text.find(odd) != std::string::npos);
  CHECK(text.find("From: <sip:+79161234567@carrier.example>;tag=caller-tag\r\n") != std::string::npos);
}

TEST_CASE("a body of several parts, one of them ISUP, leaves as it came, byte for byte") {
  const std::string isup("\x01\x00\x60\x01\x0a\x00\x02\r\n\r\n\xff\x00", 13);
  const std::string body =
      "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\nContent-Type: application/ISUP; "
      "version=itu-t92+"
      "\r\nContent-Disposition: signal;handling=optional\r\n\r\n" +
      isup + "\r\n--b--\r\n";
  std::string text = test::invite();
  const std::size_t at = text.find("Content-Type: application/sdp");
  text.replace(at, std::string::npos,
               "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + body);
  Message copy = Message::parse(text).clone();
  REQUIRE(copy.is_well_formed());
  copy.prepend_via("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKrt.1;rport");
  copy.set_request_uri("sip:desk@198.51.100.1");
  REQUIRE(copy.prepare());
  CHECK(copy.to_string().ends_with("\r\n\r\n" + body));
}

TEST_CASE("Via headers in one row survive stamping and popping") {
  Message message =
      Message::parse(test::invite({.extra = "Via: SIP/2.0/UDP b;branch=2, SIP/2.0/TCP c;branch=3\r\n"}));
  message.stamp_received(*Hop::parse("udp:192.0.2.99:6060"));
  CHECK(message.via_count() == 3);
  Message twice = message.clone();
  twice.pop_via();
  twice.stamp_received(*Hop::parse("udp:192.0.2.98:6061"));
  REQUIRE(twice.prepare());
  const Message again = Message::parse(twice.to_string());
  REQUIRE(again.via_count() == 2);
  CHECK(again.via(0).host == "b");
  CHECK(again.via(0).received == "192.0.2.98");
  CHECK(again.via(1).branch == "3");
}

}  // namespace ringtrace::sip
