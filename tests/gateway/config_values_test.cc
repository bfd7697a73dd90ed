#include "gateway/config_values.h"

#include <catch2/catch.hpp>

#include "gateway/nearest.h"

namespace ringtrace::gateway {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("durations are read") {
  const std::pair<const char*, milliseconds> rows[] = {
      {"250ms", milliseconds(250)},
      {"150s", seconds(150)},
      {"30m", minutes(30)},
      {"1h30m", minutes(90)},
      {"7d", hours(168)},
      {"0s", milliseconds(0)},
      {"1d1h1m1s1ms", milliseconds(90'061'001)},
      {"36500d", hours(24 * 36500)},
  };
  for (const auto& [text, wanted] : rows) {
    INFO(text);
    CHECK(parse_duration(text) == wanted);
  }
}

TEST_CASE("what is no duration is none") {
  for (const char* text : {"", "30", "m", "-5m", "30 m", "30M", "1m1h", "1m1m", "1.5h", "1h 30m", "h1",
                           "36501d", "99999999999999999999d", "9223372036854775807ms", "1w", "+5s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("a duration written is the duration read") {
  for (const char* text : {"0s", "250ms", "2m30s", "1h30m", "7d", "1d1h1m1s1ms"}) {
    CHECK(format_duration(*parse_duration(text)) == text);
  }
}

TEST_CASE("endpoints are addresses with a port") {
  CHECK(parse_endpoint("127.0.0.1:7080", false) == Endpoint{"127.0.0.1", 7080});
  CHECK(parse_endpoint("[2001:db8::1]:80", false) == Endpoint{"2001:db8::1", 80});
  CHECK(parse_endpoint("127.0.0.1:0", true) == Endpoint{"127.0.0.1", 0});
  CHECK(parse_endpoint("[::1]:5060", false)->to_string() == "[::1]:5060");
  for (const char* text :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", ":80", "::1:80",
        "[::1]", "[::1]80", "[127.0.0.1]:80", "host:80", "1.2.3:80", "127.0.0.1:80:80", " 127.0.0.1:80"}) {
    INFO(text);
    CHECK_FALSE(parse_endpoint(text, false).has_value());
  }
  CHECK(Endpoint{"127.0.0.2", 1}.is_loopback());
  CHECK(Endpoint{"::1", 1}.is_loopback());
  CHECK_FALSE(Endpoint{"0.0.0.0", 1}.is_loopback());
}

TEST_CASE("SIP endpoints have a transport") {
  CHECK(parse_sip_endpoint("udp:127.0.0.1:5060", false)->to_string() == "udp:127.0.0.1:5060");
  CHECK(parse_sip_endpoint("tcp:[::1]:5060", false)->transport == sip::Transport::kTcp);
  CHECK_FALSE(parse_sip_endpoint("127.0.0.1:5060", false).has_value());
  CHECK(parse_sip_endpoint("tls:192.0.2.1:5061", false)->to_string() == "tls:192.0.2.1:5061");
  CHECK_FALSE(parse_sip_endpoint("udp:pbx.example.com:5060", false).has_value());
}

TEST_CASE("SIP targets may be names, with or without a port") {
  for (const char* text :
       {"udp:192.0.2.1:5060", "tcp:[::1]:5060", "udp:pbx.example.com:5070", "tls:pbx.example.com"}) {
    INFO(text);
    REQUIRE(parse_sip_target(text).has_value());
    CHECK(parse_sip_target(text)->to_string() == text);
  }
  for (const char* text :
       {"", "udp:", "pbx.example.com", "udp:192.0.2.1", "udp:a:0", "udp:a:x", "udp:a b", "ws:a:1"}) {
    INFO(text);
    CHECK_FALSE(parse_sip_target(text).has_value());
  }
}

TEST_CASE("Redis addresses are unix sockets or hosts") {
  CHECK(parse_redis_url("unix:///run/redis.sock") == RedisAddress{"/run/redis.sock", "", 6379, 0});
  CHECK(parse_redis_url("unix:///run/redis.sock?db=3") == RedisAddress{"/run/redis.sock", "", 6379, 3});
  CHECK(parse_redis_url("tcp://127.0.0.1") == RedisAddress{"", "127.0.0.1", 6379, 0});
  CHECK(parse_redis_url("tcp://redis.internal:6380/2") == RedisAddress{"", "redis.internal", 6380, 2});
  CHECK(parse_redis_url("tcp://[::1]:6380/") == RedisAddress{"", "::1", 6380, 0});
  using Kind = RedisAddress::Kind;
  CHECK(parse_redis_url("tls://h:6380/1") == RedisAddress{"", "h", 6380, 1, Kind::kServer, true, ""});
  CHECK(parse_redis_url("sentinel://leases/2") ==
        RedisAddress{"", "", 6379, 2, Kind::kSentinel, false, "leases"});
  CHECK(parse_redis_url("sentinel+tls://leases")->tls);
  CHECK(parse_redis_url("cluster://h:7000") == RedisAddress{"", "h", 7000, 0, Kind::kCluster, false, ""});
  CHECK(parse_redis_url("cluster+tls://h")->tls);
  for (const char* text :
       {"sentinel://", "cluster://", "cluster://h/1", "", "redis://h", "tcp://", "tcp://:6379", "tcp://h:0",
        "tcp://h:x", "tcp://h/x", "unix://relative", "unix:///", "unix:///a?db=", "unix:///a?db=x"}) {
    INFO(text);
    CHECK_FALSE(parse_redis_url(text).has_value());
  }
}

TEST_CASE("blocks of addresses begin at their first address") {
  for (const char* text : {"203.0.113.7", "203.0.113.0/24", "0.0.0.0/0", "203.0.113.128/25", "2001:db8::/32",
                           "::1", "203.0.113.7/32"}) {
    INFO(text);
    CHECK(is_address_block(text));
  }
  for (const char* text : {"", "host", "203.0.113.7/24", "203.0.113.0/33", "203.0.113.0/", "203.0.113.0/-1",
                           "2001:db8::1/32", "203.0.113.0/24/24", "[::1]"}) {
    INFO(text);
    CHECK_FALSE(is_address_block(text));
  }
}

TEST_CASE("number ranges run upward") {
  CHECK(parse_number_range("+74950000001")->size() == 1);
  CHECK(parse_number_range("+74950000010-+74950000019")->size() == 10);
  CHECK(parse_number_range("+74950000010 - +74950000019")->size() == 10);
  for (const char* text :
       {"", "-", "+7495000001-", "+74950000019-+74950000010", "+7-+8-+9", "tel:+74950000001"}) {
    INFO(text);
    CHECK_FALSE(parse_number_range(text).has_value());
  }
}

TEST_CASE("the nearest word is the one with the fewest changes, and none when all are far") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("lsiten", "listen") == 1);
  CHECK(nearest("lisen", {"level", "listen"}) == "listen");
  CHECK(nearest("numbers_fiel", {"numbers", "numbers_file"}) == "numbers_file");
  CHECK(nearest("timeout", {"ring_timeout", "listen"}) == "ring_timeout");
  CHECK(nearest("xyz", {"level", "listen"}).empty());
  CHECK(nearest(std::string(1000, 'x'), {"level"}).empty());
}

}  // namespace ringtrace::gateway
