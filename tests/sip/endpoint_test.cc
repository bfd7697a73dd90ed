#include "sip/endpoint.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {

TEST_CASE("blocks of addresses contain what they say, in both families") {
  const auto block = Cidr::parse("192.0.2.128/25");
  REQUIRE(block);
  CHECK(block->contains(*IpAddress::parse("192.0.2.128")));
  CHECK(block->contains(*IpAddress::parse("192.0.2.255")));
  CHECK_FALSE(block->contains(*IpAddress::parse("192.0.2.127")));
  CHECK(block->contains(*IpAddress::parse("::ffff:192.0.2.130")));

  const auto six = Cidr::parse("2001:db8:10::/44");
  REQUIRE(six);
  CHECK(six->contains(*IpAddress::parse("2001:db8:1f::1")));
  CHECK_FALSE(six->contains(*IpAddress::parse("2001:db8:20::1")));
  CHECK_FALSE(six->contains(*IpAddress::parse("192.0.2.1")));
  CHECK(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("8.8.8.8")));
  CHECK(Cidr::parse("192.0.2.7")->contains(*IpAddress::parse("192.0.2.7")));
  CHECK_FALSE(Cidr::parse("192.0.2.7")->contains(*IpAddress::parse("192.0.2.6")));
}

TEST_CASE("what is no block of addresses is refused") {
  const auto* text =
      GENERATE("", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/", "192.0.2.0/x", "carrier.example",
               "2001:db8::/129", "192.0.2/24", "192.0.2.0/-1", "192.0.2.0/24 ");
  CHECK_FALSE(Cidr::parse(text));
}

TEST_CASE("a target is an address or a name, with the transport's own port when it has none") {
  CHECK(Target{Transport::kTls, "192.0.2.1", 0}.numeric() == Hop::parse("tls:192.0.2.1:5061"));
  CHECK(Target{Transport::kUdp, "2001:db8::1", 0}.numeric() == Hop::parse("udp:[2001:db8::1]:5060"));
  CHECK_FALSE(Target{Transport::kUdp, "pbx.example.com", 5060}.numeric());
  CHECK(Target{Transport::kTls, "pbx.example.com", 0}.to_string() == "tls:pbx.example.com");
  CHECK(Target{Transport::kTcp, "2001:db8::1", 5062}.to_string() == "tcp:[2001:db8::1]:5062");
  for (const auto* name : {"pbx.example.com", "a", "_sip._udp.x-1.org.", "3com.com"})
    CHECK(is_host_name(name));
  for (const auto* name : {"", ".", "a..b", "192.0.2.1", "a b", "a:5", "[::1]", "a/b"}) {
    INFO(name);
    CHECK_FALSE(is_host_name(name));
  }
  CHECK_FALSE(is_host_name(std::string(64, 'a')));
}

TEST_CASE("hops are written and read back") {
  for (const auto* text : {"udp:192.0.2.1:5060", "tcp:[2001:db8::1]:65535", "tls:192.0.2.1:5061"}) {
    const auto hop = Hop::parse(text);
    REQUIRE(hop);
    CHECK(hop->to_string() == text);
  }
  for (const auto* text :
       {"192.0.2.1:5060", "ws:192.0.2.1:5060", "udp:192.0.2.1", "udp:192.0.2.1:0", "udp:192.0.2.1:65536",
        "udp:2001:db8::1:5060", "udp:host:5060", "udp:192.0.2.1:5060x"}) {
    INFO(text);
    CHECK_FALSE(Hop::parse(text));
  }
}

TEST_CASE("only the address of one host is unicast") {
  for (const auto* text : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1"}) {
    CHECK_FALSE(IpAddress::parse(text)->is_unicast());
  }
  for (const auto* text : {"127.0.0.1", "192.0.2.1", "::1", "2001:db8::1"}) {
    CHECK(IpAddress::parse(text)->is_unicast());
  }
}

}  // namespace ringtrace::sip
