#include "tests/crash/promises.h"

#include <catch2/catch.hpp>

namespace ringtrace::crash {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kNow{seconds(1'700'000'000)};

Answer lease_of(const std::string& number, Time expire, bool durable = true) {
  return {number, expire, durable, false};
}

/// What the book found wrong: nothing, or how often.
std::size_t wrongs(const Promises& book) {
  return book.violations().size() + book.losses().size() + book.returns().size();
}

}  // namespace

TEST_CASE("a kept promise is no violation") {
  Promises book(seconds(1));
  book.leased("a", lease_of("+1", kNow + seconds(10)), kNow, kNow);
  book.found("a", lease_of("+1", kNow + seconds(10)), kNow + seconds(1));
  book.leased("a", lease_of("+1", kNow + seconds(20)), kNow + seconds(2), kNow + seconds(2));
  book.not_found("a", kNow + seconds(20));
  // The number is free again when the hold is over, and not before.
  book.leased("b", lease_of("+1", kNow + seconds(40)), kNow + seconds(21), kNow + seconds(21));
  CHECK(wrongs(book) == 0);
  CHECK(book.acknowledged() == 3);
  CHECK(book.losses().empty());
}

TEST_CASE("each broken promise is found") {
  Promises book(seconds(1));
  book.leased("a", lease_of("+1", kNow + seconds(10)), kNow, kNow);
  const Time later = kNow + seconds(1);
  SECTION("a lease that is gone") {
    book.not_found("a", later);
    CHECK(book.losses().size() == 1);
  }
  SECTION("a lease that is gone, by the answer to a renewal") { book.renew_not_found("a", later); }
  SECTION("another number for the same visit") {
    book.found("a", lease_of("+2", kNow + seconds(10)), later);
    CHECK(book.losses().size() == 1);
  }
  SECTION("the fallback number for a visit that holds one") {
    book.leased("a", {"+9", {}, false, true}, later, later);
  }
  SECTION("a shorter lease than told") { book.found("a", lease_of("+1", kNow + seconds(9)), later); }
  SECTION("one number for two visits") { book.leased("b", lease_of("+1", kNow + seconds(10)), later, later); }
  SECTION("a number within its hold") {
    book.release_sent("a", later);
    book.released("a", later);
    book.leased("b", lease_of("+1", kNow + seconds(20)), later, later + milliseconds(900));
  }
  SECTION("a lease nobody asked for") { book.found("c", lease_of("+3", kNow + seconds(10)), later); }
  SECTION("a released lease that is back") {
    book.release_sent("a", later);
    book.released("a", later);
    book.found("a", lease_of("+1", kNow + seconds(10)), later);
    CHECK(book.returns().size() == 1);
  }
  SECTION("a released lease that is back after it was not there") {
    book.release_sent("a", later);
    book.not_found("a", later);
    book.found("a", lease_of("+1", kNow + seconds(10)), later);
    CHECK(book.returns().size() == 1);
  }
  SECTION("a released lease that is back at another number") {
    book.release_sent("a", later);
    book.released("a", later);
    book.found("a", lease_of("+2", kNow + seconds(10)), later);
    CHECK(book.violations().size() == 1);
  }
  CHECK(wrongs(book) >= 1);
}

TEST_CASE("what is in doubt may be or not be") {
  Promises book(seconds(1));
  SECTION("a lease") {
    book.lease_in_doubt("a", kNow);
    SECTION("that is there") { book.found("a", lease_of("+1", kNow + seconds(10)), kNow); }
    SECTION("that is not") { book.not_found("a", kNow); }
    CHECK(book.in_doubt() == 1);
  }
  SECTION("a release") {
    book.leased("a", lease_of("+1", kNow + seconds(10)), kNow, kNow);
    book.release_sent("a", kNow);
    CHECK(book.is_in_doubt("a"));
    SECTION("that was done") { book.not_found("a", kNow); }
    SECTION("that was not") { book.found("a", lease_of("+1", kNow + seconds(10)), kNow); }
  }
  CHECK(wrongs(book) == 0);
}

}  // namespace ringtrace::crash
