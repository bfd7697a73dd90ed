#include "grpc/number_formats.h"

#include <catch2/catch.hpp>
#include <random>

namespace ringtrace::rpc {
namespace {

pool::Number number(std::uint64_t digits) { return *pool::Number::from_digits(digits); }

}  // namespace

TEST_CASE("a number is written as people in its country, and abroad, write it") {
  NumberFormats formats;
  const NumberTexts moscow = formats.of(number(74950000001));
  CHECK(moscow.national == "8 (495) 000-00-01");
  CHECK(moscow.international == "+7 495 000-00-01");
  CHECK(moscow.uri == "tel:+7-495-000-00-01");
  const NumberTexts washington = formats.of(number(12025550123));
  CHECK(washington.national == "(202) 555-0123");
  CHECK(washington.international == "+1 202-555-0123");
  CHECK(washington.uri == "tel:+1-202-555-0123");
}

TEST_CASE("a number of no plan is written in E.164") {
  NumberFormats formats;
  const NumberTexts texts = formats.of(number(99912345678));
  CHECK(texts.national == "+99912345678");
  CHECK(texts.international == "+99912345678");
  CHECK(texts.uri == "tel:+99912345678");
}

TEST_CASE("the plan is asked twice for a thousand neighbours") {
  NumberFormats formats;
  for (std::uint64_t digits = 74950001000; digits < 74950002000; ++digits) {
    CHECK(formats.of(number(digits)) == ask_numbering_plan(number(digits)));
  }
  CHECK(formats.plans_asked() == 2);
}

TEST_CASE("a short number is asked for by itself") {
  // Its thousand is written alike at both ends, and not in the middle.
  NumberFormats formats;
  for (const std::uint64_t digits : {49369000ULL, 49369346ULL, 49369999ULL}) {
    CHECK(formats.of(number(digits)) == ask_numbering_plan(number(digits)));
  }
}

TEST_CASE("numbers of any country are written as their plan would have it") {
  const std::uint32_t seed = 20261125;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  // Country codes with plans of many kinds: short and long, with mobile prefixes, shared by several
  // countries.
  const std::string_view codes[] = {"1",  "7",  "20", "31", "33", "34", "39", "44",  "48",  "49",  "52", "54",
                                    "55", "61", "62", "81", "82", "86", "91", "354", "372", "375", "599"};
  NumberFormats formats;
  for (int i = 0; i < 2000; ++i) {
    std::string digits(codes[random() % std::size(codes)]);
    const std::size_t length = 8 + random() % 6;
    while (digits.size() < length) digits += static_cast<char>('0' + random() % 10);
    const pool::Number any = *pool::Number::parse(digits);
    // A neighbour first, so that the answer is one made from the neighbours' texts.
    formats.of(number(any.digits() / 1000 * 1000 + random() % 1000));
    INFO(any.to_string());
    CHECK(formats.of(any) == ask_numbering_plan(any));
  }
}

}  // namespace ringtrace::rpc
