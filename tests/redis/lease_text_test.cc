#include "redis/lease_text.h"

#include <ringtrace/v1/visit.pb.h>

#include <catch2/catch.hpp>

#include "redis/keys.h"
#include "redis/sha1.h"

namespace ringtrace::redis {
namespace {

TEST_CASE("a word survives whatever it holds") {
  for (const std::string text :
       {"", "-", "--", "google/cpc", "my ads/cpc", "50%", "%", "%2", "%zz", "\x7f", "Ж б"}) {
    const std::string word = escape_word(text);
    CHECK(word.find(' ') == std::string::npos);
    CHECK_FALSE(word.empty());
    CHECK(unescape_word(word) == text);
  }
}

TEST_CASE("a lease is read as it was written") {
  pool::LeaseRecord record;
  record.number = *pool::Number::from_digits(74'950'000'001);
  record.visit_id = "visit 1 of 2";
  record.source = "my ads/cpc";
  record.start = pool::Time(pool::Duration(100));
  record.expire = pool::Time(pool::Duration(200));
  record.hold = pool::Duration(300);
  CHECK(to_lease_text(record) == "100 100 300 my%20ads/cpc - visit 1 of 2");
  record.expire = record.start + std::chrono::minutes(30);
  record.hold = std::chrono::seconds(150);
  CHECK(to_lease_text(record) == "100 1800s 150s my%20ads/cpc - visit 1 of 2");
}

TEST_CASE("a stored lease is read with a visit id that holds blanks") {
  const pool::Number number = *pool::Number::from_digits(74'950'000'001);
  const auto lease = parse_lease(number, "100 2s 300 my%20ads/cpc - visit 1 of 2");
  REQUIRE(lease);
  CHECK(lease->number == number);
  CHECK(lease->visit_id == "visit 1 of 2");
  CHECK(lease->visitor_id.empty());
  CHECK(lease->source == "my ads/cpc");
  CHECK(lease->start.time_since_epoch().count() == 100);
  CHECK(lease->end().time_since_epoch().count() == 2'100);
  CHECK_FALSE(lease->ended);
  CHECK(lease->hold.count() == 300);
  const auto over = parse_lease(number, "100 ended:50 300 - - v");
  REQUIRE(over);
  REQUIRE(over->ended);
  CHECK(over->ended->time_since_epoch().count() == 150);
}

TEST_CASE("what is no lease of ours is not read as one") {
  const pool::Number number = *pool::Number::from_digits(74'950'000'001);
  REQUIRE(parse_lease(number, "1 2 3s s v x"));
  for (const char* text :
       {"", "1", "1 2 3", "1 2 3 s v", "1 2 3 s v ", "a 2 3 s v x", "-1 2 3 s v x", "1 -2 3 s v x",
        "1 s 3 s v x", "1 2m 3 s v x", "1 over:2 3 s v x", "1 2 ended:3 s v x",
        "99999999999999999999 2 3 s v x", "1 9000000000000000s 3 s v x"}) {
    INFO(text);
    CHECK_FALSE(parse_lease(number, text));
  }
}

TEST_CASE("attributes are readable JSON in the store and the same bytes after it") {
  v1::VisitAttributes attributes;
  attributes.set_utm_source("google");
  (*attributes.mutable_click_ids())["gclid"] = "abc";
  const std::string bytes = attributes.SerializeAsString();
  const std::string json = attributes_to_json(bytes);
  CHECK(json == R"({"utm_source":"google","click_ids":{"gclid":"abc"}})");
  CHECK(attributes_from_json(json) == bytes);
  CHECK(attributes_to_json("\xff\xff garbage").empty());
  CHECK(attributes_to_json("").empty());
  CHECK(attributes_from_json("{").empty());
}

TEST_CASE("the SHA-1 of texts around a block's end is everybody's") {
  const auto hex = [](const std::string& text) {
    std::string out;
    for (const std::uint8_t byte : sha1(text)) {
      out += "0123456789abcdef"[byte >> 4U];
      out += "0123456789abcdef"[byte & 0xFU];
    }
    return out;
  };
  CHECK(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex(std::string(55, 'a')) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  CHECK(hex(std::string(56, 'a')) == "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  CHECK(hex(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
  CHECK(hex(std::string(128, 'a')) == "ad5b3fdbcb526778c2839d2f151ea753995e26a0");
}

TEST_CASE("keys of one pool share a hash tag, and neighbours share a block") {
  const auto number = [](std::uint64_t digits) { return *pool::Number::from_digits(digits); };
  CHECK(lease_key("main", number(12'025'550'101)) == "rt:{main:0}:leases:120255");
  CHECK(lease_key("main", number(12'025'599'999)) == "rt:{main:0}:leases:120255");
  CHECK(lease_key("main", number(12'025'600'000)) == "rt:{main:0}:leases:120256");
  CHECK(lease_key("main", number(1'280)) == "rt:{main:0}:leases:0");
  CHECK(attributes_key("main", number(12'025'550'101)) == "rt:{main:0}:attributes:120255");
}

TEST_CASE("a number is its block and its last five digits") {
  for (const std::uint64_t digits : {12'025'550'101UL, 12'025'500'007UL, 1'280UL}) {
    const pool::Number number = *pool::Number::from_digits(digits);
    CHECK(number_at(block_of(number), field_of(number)) == number);
  }
  CHECK(field_of(*pool::Number::from_digits(12'025'500'007)) == "00007");
  for (const char* const field : {"", "7", "000007", "-0007", "+0007", "0x007", "12025500007"})
    CHECK_FALSE(number_at(120'255, field));
}

TEST_CASE("a visit's word in the index is the begin of its SHA-1 in Base64") {
  // printf visit-1 | openssl sha1 -binary | base64
  CHECK(visit_word(visit_bits("visit-1")) == "U+pdMo");
}

}  // namespace
}  // namespace ringtrace::redis
