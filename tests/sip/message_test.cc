#include "sip/message.h"

#include <catch2/catch.hpp>

#include "sip/raw_message.h"
#include "tests/sip/fake_world.h"

namespace ringtrace::sip {

using test::header;
using test::headers;

TEST_CASE("a message is read through our words") {
  const Message message = Message::parse(test::invite());
  REQUIRE(message.is_well_formed());
  CHECK(message.is_request());
  CHECK(message.method() == Method::kInvite);
  CHECK(message.request_uri().user == "+74950000001");
  CHECK(message.request_uri_text() == "sip:+74950000001@198.18.0.1");
  CHECK(message.sip_call_id() == "call-1@caller");
  CHECK(message.from_tag() == "caller-tag");
  CHECK(message.to_tag().empty());
  CHECK(message.via(0).branch == "z9hG4bK-caller-1");
  CHECK(message.max_forwards() == 70u);
}

TEST_CASE("garbage is no message") {
  const std::string full = test::invite();
  const auto text =
      GENERATE_COPY(std::string(""), std::string("\r\n\r\n"), std::string("hello"), std::string(4000, '\xff'),
                    full.substr(0, 60), std::string("INVITE\r\n\r\n"), std::string("SIP/2.0 999 Odd\r\n\r\n"),
                    std::string("GET / HTTP/1.0\r\n\r\n"));
  CHECK_FALSE(Message::parse(text).is_well_formed());
}

TEST_CASE("a clone is changed, the original is not") {
  const Message original =
      Message::parse(test::invite({.extra = "X-Ringtrace-Visit: forged\r\nX-Other: 1\r\n"}));
  Message copy = original.clone();
  copy.remove_extension_headers("x-ringtrace-");
  copy.add_extension_header("X-Ringtrace-Call", "01J");
  copy.set_request_uri("sip:+74950000001@198.51.100.1:5060");
  copy.prepend_record_route("sip:198.18.0.1:5060;lr;c=1");
  copy.prepend_record_route("sip:198.18.0.1:5061;lr;c=2");
  copy.set_max_forwards(69);
  copy.prepend_via("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKrt.1;rport");
  REQUIRE(copy.prepare());
  const std::string text = copy.to_string();
  CHECK(test::first_line(text) == "INVITE sip:+74950000001@198.51.100.1:5060 SIP/2.0");
  CHECK(headers(text, "Via").size() == 2);
  CHECK(header(text, "Via") == "SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKrt.1;rport");
  CHECK(header(text, "Record-Route") == "<sip:198.18.0.1:5061;lr;c=2>");
  CHECK(header(text, "X-Ringtrace-Visit").empty());
  CHECK(header(text, "X-Ringtrace-Call") == "01J");
  CHECK(header(text, "X-Other") == "1");
  CHECK(header(text, "Max-Forwards") == "69");
  CHECK(text.substr(text.size() - 5) == "v=0\r\n");

  const std::string untouched = original.to_string();
  CHECK(headers(untouched, "Via").size() == 1);
  CHECK(header(untouched, "X-Ringtrace-Visit") == "forged");
}

TEST_CASE("RFC 3581: the topmost Via is stamped with where the request came from") {
  Message message = Message::parse(test::invite());
  message.stamp_received(*Hop::parse("udp:192.0.2.99:6060"));
  CHECK(message.via(0).received == "192.0.2.99");
  CHECK(message.via(0).rport == "6060");
  CHECK(message.via(0).response_hop() == Hop::parse("udp:192.0.2.99:6060"));
  const Message response = make_response(message, 486, "our-tag");
  CHECK(response.via(0).response_hop() == Hop::parse("udp:192.0.2.99:6060"));
}

TEST_CASE("RFC 3261 18.2.2, RFC 3581: answers go to the port of the sent-by, or where they are asked to go") {
  struct Case {
    const char* sent_by;
    const char* parameters;
    const char* source;
    const char* answers;
  };
  const Case c =
      GENERATE(Case{"192.0.2.10:5070", "", "udp:192.0.2.10:40000", "udp:192.0.2.10:5070"},
               Case{"192.0.2.10", "", "udp:192.0.2.10:40000", "udp:192.0.2.10:5060"},
               Case{"[2001:db8::10]:5070", "", "udp:[2001:db8::10]:40000", "udp:[2001:db8::10]:5070"},
               Case{"192.0.2.10:5070", ";rport", "udp:192.0.2.10:40000", "udp:192.0.2.10:40000"},
               Case{"192.0.2.10:5070", ";rport=5080", "udp:192.0.2.10:40000", "udp:192.0.2.10:40000"},
               Case{"10.0.0.1:5070", "", "udp:192.0.2.10:40000", "udp:192.0.2.10:40000"},
               Case{"carrier.example:5070", "", "udp:192.0.2.10:40000", "udp:192.0.2.10:40000"},
               Case{"192.0.2.10:0", "", "udp:192.0.2.10:40000", "udp:192.0.2.10:40000"},
               Case{"192.0.2.10:5070", "", "tcp:192.0.2.10:40000", "tcp:192.0.2.10:40000"});
  INFO(c.sent_by << c.parameters << " from " << c.source);
  const Hop source = *Hop::parse(c.source);
  const Hop answers = *Hop::parse(c.answers);
  std::string text = test::invite();
  const std::string via = "SIP/2.0/" + std::string(source.transport == Transport::kTcp ? "TCP " : "UDP ") +
                          c.sent_by + ";branch=z9hG4bK-1" + c.parameters;
  text.replace(text.find("SIP/2.0/UDP"), text.find("\r\nMax-") - text.find("SIP/2.0/UDP"), via);
  CHECK(RawMessage(text).answers_at(source) == answers);
  Message message = Message::parse(text);
  CHECK(message.stamp_received(source) == answers);
  // The answer of a process that knows nothing but the Via goes the same way.
  CHECK(message.via(0).response_hop() == answers);
}

TEST_CASE("responses, ACK and CANCEL are made from their request") {
  const Message request = Message::parse(test::invite({.extra = "Route: <sip:198.51.100.7;lr>\r\n"}));
  Message response = make_response(request, 503, "tag-1", {"Retry-After: 5"});
  REQUIRE(response.prepare());
  const std::string text = response.to_string();
  CHECK(test::first_line(text) == "SIP/2.0 503 Service Unavailable");
  CHECK(header(text, "To") == "<sip:+74950000001@198.18.0.1>;tag=tag-1");
  CHECK(header(text, "Retry-After") == "5");
  CHECK(header(text, "Content-Length") == "0");
  CHECK(header(text, "CSeq") == "1 INVITE");

  Message trying = make_response(request, 100, "tag-1");
  REQUIRE(trying.prepare());
  CHECK(header(trying.to_string(), "To") == "<sip:+74950000001@198.18.0.1>");

  Message ack = make_ack(request, response);
  REQUIRE(ack.prepare());
  CHECK(test::first_line(ack.to_string()) == "ACK sip:+74950000001@198.18.0.1 SIP/2.0");
  CHECK(header(ack.to_string(), "CSeq") == "1 ACK");
  CHECK(header(ack.to_string(), "To") == "<sip:+74950000001@198.18.0.1>;tag=tag-1");
  CHECK(header(ack.to_string(), "Via") == header(request.to_string(), "Via"));
  CHECK(header(ack.to_string(), "Route") == "<sip:198.51.100.7;lr>");

  Message cancelling = make_cancel(request);
  REQUIRE(cancelling.prepare());
  CHECK(header(cancelling.to_string(), "CSeq") == "1 CANCEL");
  CHECK(header(cancelling.to_string(), "To") == "<sip:+74950000001@198.18.0.1>");
}

TEST_CASE("Routes in one line or in several are taken off one by one") {
  Message message = Message::parse(test::invite({.extra = "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.2;lr>\r\n"
                                                          "Route: <sip:192.0.2.3;lr>\r\n"}));
  REQUIRE(message.route_count() == 3);
  Message copy = message.clone();
  copy.pop_route();
  CHECK(copy.route_uri(0).host == "192.0.2.2");
  REQUIRE(copy.prepare());
  CHECK(headers(copy.to_string(), "Route") ==
        std::vector<std::string>{"<sip:192.0.2.2;lr>", "<sip:192.0.2.3;lr>"});
  copy.restore_request_uri();
  CHECK(copy.request_uri().host == "192.0.2.3");
  CHECK(copy.route_count() == 1);
}

TEST_CASE("only numeric, unicast, known next hops are hops") {
  const auto hop_of = [](const std::string& uri) {
    return Message::parse(test::invite({.uri = uri})).request_uri().numeric_hop();
  };
  CHECK(hop_of("sip:a@192.0.2.5") == Hop::parse("udp:192.0.2.5:5060"));
  CHECK(hop_of("sip:a@192.0.2.5:5070;transport=TCP") == Hop::parse("tcp:192.0.2.5:5070"));
  CHECK(hop_of("sip:[2001:db8::1]:5070") == Hop::parse("udp:[2001:db8::1]:5070"));
  CHECK(hop_of("sip:a@192.0.2.5;transport=tls") == Hop::parse("tls:192.0.2.5:5061"));
  for (const auto* uri :
       {"sip:a@host.example", "sip:a@224.0.0.1", "sip:a@192.0.2.5:70000", "sip:a@192.0.2.5:0",
        "sip:a@192.0.2.5;transport=ws", "sips:a@192.0.2.5", "tel:+74950000001"}) {
    INFO(uri);
    CHECK_FALSE(hop_of(uri));
  }
}

}  // namespace ringtrace::sip
