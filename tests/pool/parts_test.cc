#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "pool/attribution.h"
#include "pool/big_array.h"
#include "pool/idle_queue.h"
#include "pool/number_directory.h"
#include "pool/siphash.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

std::string mistake_in(const PoolsConfig& config) {
  const auto made = NumberPools::create(config);
  const auto* text = std::get_if<std::string>(&made);
  return text == nullptr ? "" : *text;
}

TEST_CASE("SipHash-2-4 gives the values of its authors' test vectors") {
  const SipKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  constexpr std::array<std::uint64_t, 16> kVectors = {
      0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL, 0x0d6c8009d9a94f5aULL, 0x85676696d7fb7e2dULL,
      0xcf2794e0277187b7ULL, 0x18765564cd99a68dULL, 0xcbc9466e58fee3ceULL, 0xab0200f58b01d137ULL,
      0x93f5f5799a932462ULL, 0x9e0082df0ba9e4b0ULL, 0x7a5dbbc594ddb9f3ULL, 0xf4b32f46226bada7ULL,
      0x751e8fbc860ee5fbULL, 0x14ea5627c0843d90ULL, 0xf723ca908e7af2eeULL, 0xa129ca6149be45e5ULL};
  std::string text;
  for (std::size_t size = 0; size < kVectors.size(); ++size) {
    INFO(size << " bytes");
    CHECK(siphash(key, text) == kVectors[size]);
    if (size < 15) text.push_back(static_cast<char>(size));
  }
  text.push_back(15);
  CHECK(siphash(key, 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL) == siphash(key, text));
}

TEST_CASE("a slot tells an id from those that it begins with and those that begin with it") {
  const std::string text(VisitId::kMaxBytes, 'v');
  for (std::size_t written = 1; written <= text.size(); ++written) {
    const VisitWords held(std::string_view(text).substr(0, written));
    Slot<std::atomic> slot;
    slot.write_record(3, RecordHead::make(1, 1, 1, held.wide(), false), held);
    for (std::size_t asked = 1; asked <= text.size(); ++asked) {
      INFO(written << " bytes written, " << asked << " asked for");
      CHECK(slot.holds_visit(3, VisitWords(std::string_view(text).substr(0, asked))) == (written == asked));
    }
  }
}

TEST_CASE("SipHash-1-3 of a word gives what CPython's hash of the same bytes gives without a key") {
  CHECK(siphash13({}, 0x6867666564636261ULL) == 0x3f7b849c0b8e35eaULL);
  CHECK(siphash13({}, 0x63617274676e6972ULL) == 0xebfb22fc829fd280ULL);
}

TEST_CASE("the density of the lag is a density, and none for what has not been shown yet") {
  const AttributionParameters parameters;
  CHECK(lag_density(parameters, Duration(-1)) == 0);
  CHECK(lag_density(parameters, Duration(0)) == Approx(0.6 / 180));
  double mass = 0;
  for (Duration lag(0); lag < hours(3); lag += seconds(1)) mass += lag_density(parameters, lag);
  for (Duration lag = hours(3); lag < hours(24 * 60); lag += minutes(1)) {
    mass += 60 * lag_density(parameters, lag);
  }
  CHECK(mass == Approx(1).epsilon(0.01));
}

TEST_CASE("weights follow the source's propensity and the lag, and add up to one") {
  AttributionParameters parameters;
  parameters.propensities = {{Source::cut("ads"), 0.15}};
  std::array<Candidate, 3> candidates;
  candidates[0] = {VisitId::cut("a"), Source::cut("social"), at(seconds(100)), at(minutes(9)), 0};
  candidates[1] = {VisitId::cut("b"), Source::cut("ads"), at(seconds(100)), at(minutes(9)), 0};
  candidates[2] = {VisitId::cut("c"), Source::cut("ads"), at(hours(1)), at(hours(2)), 0};
  const double none = weigh(parameters, at(seconds(200)), candidates);
  CHECK(candidates[0].visit.view() == "b");
  CHECK(candidates[0].weight == Approx(5 * candidates[1].weight));
  CHECK(candidates[2].weight == 0);
  CHECK(none + candidates[0].weight + candidates[1].weight == Approx(1));
  CHECK(weigh(parameters, at(seconds(0)), {}) == 1);
}

TEST_CASE("a configuration with a mistake makes no pools, and is told which") {
  PoolConfig pool = pool_config(2);
  SECTION("none") { CHECK(mistake_in(config_of({pool})).empty()); }
  SECTION("name") {
    pool.name = PoolName::cut("Main");
    CHECK(mistake_in(config_of({pool})) ==
          "pool name \"Main\": must be 1 to 63 of a-z, 0-9 and dash, beginning with a letter");
  }
  SECTION("a number twice") {
    pool.numbers.push_back(number(0));
    CHECK(mistake_in(config_of({pool})) ==
          "pool \"main\": number +74950000000 is a dynamic number here and a dynamic number of pool \"main\" "
          "already");
  }
  SECTION("a number in two pools") {
    PoolConfig other = pool_config(0);
    other.name = PoolName::cut("other");
    other.fallback = *Number::from_digits(78000000002ULL);
    other.static_numbers = {{number(1), Source::cut("mail")}};
    CHECK(mistake_in(config_of({pool, other})) ==
          "pool \"other\": number +74950000001 is a static number here and a dynamic number of pool \"main\" "
          "already");
  }
  SECTION("no fallback") {
    pool.fallback = Number();
    CHECK(mistake_in(config_of({pool})) ==
          "pool \"main\": a pool that falls back when exhausted needs a fallback number");
    pool.on_exhausted = OnExhausted::kRefuse;
    CHECK(mistake_in(config_of({pool})).empty());
  }
  SECTION("ranges") {
    pool.ttl = milliseconds(999);
    CHECK(mistake_in(config_of({pool})) == "pool \"main\": the TTL must be 1 s to 30 days");
    pool.ttl = minutes(1);
    pool.hold = hours(24 * 31);
    CHECK(mistake_in(config_of({pool})) == "pool \"main\": the hold must be 0 to 30 days");
  }
  SECTION("two pools of a name") {
    PoolConfig other = pool_config(0);
    other.fallback = *Number::from_digits(78000000002ULL);
    CHECK(mistake_in(config_of({pool, other})) == "pool \"main\": there are two pools of this name");
  }
  SECTION("shares of the lag") {
    pool.attribution.day_share = 0.5;
    CHECK(mistake_in(config_of({pool})) ==
          "pool \"main\": the shares of the lag (prompt, later, day) must be 0 to 1 and add up to 1");
  }
}

TEST_CASE("the directory finds each number in its role, and no other number") {
  constexpr std::uint32_t kSlots = 3'000;
  constexpr std::uint32_t kFixed = 100;
  const auto slots = std::make_unique<Slot<std::atomic>[]>(kSlots);
  NumberDirectory<std::atomic> directory(kSlots, kFixed);
  const auto dialed = [](std::uint64_t i) { return *Number::from_digits(74950000000ULL + 7 * i); };
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    slots[i].set_number(dialed(i), i % 5);
    directory.insert({dialed(i), i % 5, i, NumberRole::kDynamic});
  }
  for (std::uint32_t i = 0; i < kFixed; ++i) {
    directory.insert({dialed(kSlots + i), 2, i, NumberRole::kStatic});
  }
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    const DirectoryEntry entry = directory.find(dialed(i), slots.get());
    REQUIRE(entry.role == NumberRole::kDynamic);
    REQUIRE(entry.place == i);
    REQUIRE(entry.pool == i % 5);
  }
  for (std::uint32_t i = 0; i < kFixed; ++i) {
    const DirectoryEntry entry = directory.find(dialed(kSlots + i), slots.get());
    REQUIRE(entry.role == NumberRole::kStatic);
    REQUIRE(entry.place == i);
  }
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    REQUIRE(directory.find(*Number::from_digits(74950000001ULL + 7 * i), slots.get()).role ==
            NumberRole::kNone);
  }
}

TEST_CASE("no ring of idle numbers is smaller than twice the threads") {
  using Queue = IdleQueue<std::atomic>;
  const std::size_t entries = (Queue(1).memory_bytes() - sizeof(Queue)) / sizeof(std::uint64_t);
  CHECK(entries >= 2 * Queue::kMaxThreads);
}

TEST_CASE("the memory of a pool's tables is there from the start") {
  constexpr std::size_t kPages = 1'024;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const BigArray<std::uint8_t> bytes(kPages * page);
  std::array<unsigned char, kPages> present{};
  REQUIRE(::mincore(bytes.get(), kPages * page, present.data()) == 0);
  CHECK(
      std::all_of(present.begin(), present.end(), [](unsigned char page_is) { return (page_is & 1) != 0; }));
}

}  // namespace
}  // namespace ringtrace::pool::testing
