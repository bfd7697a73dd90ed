#include "proto/from_pool.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

namespace {

using ringtrace::source_label;
namespace pool = ringtrace::pool;
namespace v1 = ringtrace::v1;

TEST_CASE("an instant comes back from its Timestamp to the millisecond") {
  const pool::Time time{std::chrono::milliseconds(1'772'366'400'123)};
  const auto timestamp = ringtrace::to_timestamp(time);
  CHECK(timestamp.seconds() == 1'772'366'400);
  CHECK(timestamp.nanos() == 123'000'000);
  CHECK(ringtrace::from_timestamp(timestamp) == time);
}

TEST_CASE("an instant before 1970 keeps its nanoseconds positive") {
  const pool::Time time{std::chrono::milliseconds(-1)};
  const auto timestamp = ringtrace::to_timestamp(time);
  CHECK(timestamp.seconds() == -1);
  CHECK(timestamp.nanos() == 999'000'000);
  CHECK(ringtrace::from_timestamp(timestamp) == time);
}

TEST_CASE("parts of a millisecond are cut") {
  google::protobuf::Timestamp timestamp;
  timestamp.set_nanos(1'999'999);
  CHECK(ringtrace::from_timestamp(timestamp) == pool::Time{std::chrono::milliseconds(1)});
}

TEST_CASE("a pool's resource name and its name give each other") {
  CHECK(ringtrace::pool_resource("main") == "pools/main");
  CHECK(ringtrace::pool_resource("").empty());
  CHECK(ringtrace::pool_name_of("pools/main") == "main");
}

TEST_CASE("what is no pool's resource name gives no name") {
  const std::string text =
      GENERATE("", "main", "pools/", "pool/main", "pools/Main", "pools/a b", "pools/a/leases", "Pools/main");
  CHECK(ringtrace::pool_name_of(text).empty());
}

TEST_CASE("a source is its UTM tags, in lower case") {
  v1::VisitAttributes attributes;
  attributes.set_utm_source("Google");
  CHECK(source_label(attributes) == "google");
  attributes.set_utm_medium("CPC");
  attributes.set_referrer("https://www.example.com/");
  CHECK(source_label(attributes) == "google/cpc");
}

TEST_CASE("without UTM tags a source is its paid click, whatever the order of the map") {
  v1::VisitAttributes attributes;
  (*attributes.mutable_click_ids())["yclid"] = "2";
  (*attributes.mutable_click_ids())["gclid"] = "1";
  attributes.set_referrer("https://example.com/");
  CHECK(source_label(attributes) == "paid/gclid");
}

TEST_CASE("without either a source is the referrer's host") {
  const auto [referrer, label] = GENERATE(table<std::string, std::string>({
      {"https://www.example.com/path?q=1", "example.com/referral"},
      {"http://user:secret@Example.com:8080/", "example.com/referral"},
      {"https://example.com", "example.com/referral"},
      {"not a url", "direct"},
      {"https:///path", "direct"},
      {"", "direct"},
  }));
  v1::VisitAttributes attributes;
  attributes.set_referrer(referrer);
  CHECK(source_label(attributes) == label);
}

TEST_CASE("a source has no spaces or control characters and at most 64 bytes") {
  v1::VisitAttributes attributes;
  attributes.set_utm_source("a b\r\nX-Header: 1\x7F");
  CHECK(source_label(attributes) == "a_b__x-header:_1_");
  attributes.set_utm_source(std::string(500, 'x'));
  CHECK(source_label(attributes) == std::string(64, 'x'));
}

TEST_CASE("a resolution keeps its answer and all candidates") {
  pool::Resolution resolution;
  resolution.method = pool::ResolutionMethod::kHolderLog;
  resolution.pool = pool::PoolName::cut("main");
  resolution.visit = pool::VisitId::cut("v-2");
  resolution.source = pool::Source::cut("google/cpc");
  resolution.confidence = 0.7;
  resolution.none_weight = 0.1;
  resolution.candidate_count = 2;
  resolution.candidate_storage[0] = {pool::VisitId::cut("v-2"), pool::Source::cut("google/cpc"),
                                     pool::Time{std::chrono::seconds(2)}, pool::Time{std::chrono::seconds(3)},
                                     0.7};
  resolution.candidate_storage[1] = {pool::VisitId::cut("v-1"), pool::Source::cut("direct"),
                                     pool::Time{std::chrono::seconds(0)}, pool::Time{std::chrono::seconds(1)},
                                     0.2};
  v1::VisitAttributes attributes;
  attributes.set_utm_source("google");

  const v1::Resolution message =
      ringtrace::to_message(resolution, "browser-1", attributes.SerializeAsString());
  CHECK(message.method() == v1::RESOLUTION_METHOD_HOLDER_LOG);
  CHECK(message.pool() == "pools/main");
  CHECK(message.visit().visit_id() == "v-2");
  CHECK(message.visit().visitor_id() == "browser-1");
  CHECK(message.visit().attributes().utm_source() == "google");
  CHECK(message.source() == "google/cpc");
  CHECK(message.confidence() == 0.7);
  CHECK(message.none_weight() == 0.1);
  REQUIRE(message.candidates_size() == 2);
  CHECK(message.candidates(1).visit_id() == "v-1");
  CHECK(message.candidates(1).source() == "direct");
  CHECK(message.candidates(1).shown_time().seconds() == 0);
  CHECK(message.candidates(1).end_time().seconds() == 1);
  CHECK(message.candidates(1).weight() == 0.2);
}

TEST_CASE("every method has its own word") {
  for (std::size_t i = 0; i < pool::kResolutionMethods; ++i) {
    pool::Resolution resolution;
    resolution.method = static_cast<pool::ResolutionMethod>(i);
    const v1::Resolution message = ringtrace::to_message(resolution, "", "");
    CHECK(v1::ResolutionMethod_Name(message.method()) ==
          std::string("RESOLUTION_METHOD_") + pool::to_string(resolution.method));
  }
}

TEST_CASE("a resolution without a visit has none, and attributes that do not parse do no harm") {
  pool::Resolution resolution;
  CHECK_FALSE(ringtrace::to_message(resolution, "ignored", "ignored").has_visit());
  resolution.visit = pool::VisitId::cut("v-1");
  const v1::Resolution message = ringtrace::to_message(resolution, "", "\xFF\xFF\xFF");
  CHECK(message.visit().visit_id() == "v-1");
}

}  // namespace
