#include "pool/visit_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/pool/counted.h"

namespace ringtrace::pool::testing {
namespace {

TEST_CASE("an index in which every slot has its visit finds room for each that comes when another has gone") {
  constexpr std::uint32_t kSlots = 50'000;
  constexpr std::uint64_t kComing = 2'000'000;
  VisitIndex<> index(kSlots);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> hashes(kSlots);
  std::uint64_t refused = 0;
  const auto enter = [&](std::uint32_t slot) {
    hashes[slot] = random();
    refused += index.insert(index.place(hashes[slot]), slot) ? 0U : 1U;
  };
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) enter(slot);
  for (std::uint64_t i = 0; i < kComing; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % kSlots);
    index.erase(index.place(hashes[slot]), slot);
    enter(slot);
  }
  CHECK(refused == 0);
  counted("entries of the visit index that came and went: " + std::to_string(kComing));
}

TEST_CASE("entries of one hash are found in the order of their cells, also those that are away from home") {
  constexpr std::uint32_t kRoom = 42;
  VisitIndex<> index(1'000);
  const auto place = index.place(0x1234'5678'9ABC'DEF0);
  for (const int time : {1, 2}) {
    INFO(time);
    std::vector<unsigned> orders;
    for (std::uint32_t slot = 0; slot < kRoom; ++slot) orders.push_back(index.insert(place, slot).value());
    CHECK(!index.insert(place, kRoom));
    CHECK(index.has_more_than(kRoom - 1, place));
    CHECK(!index.has_more_than(kRoom, place));

    std::vector<unsigned> seen;
    index.for_each(place, [&](std::uint32_t slot, unsigned order) {
      CHECK(orders[slot] == order);
      seen.push_back(order);
      return true;
    });
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(seen.size() == kRoom);

    // Those at home go first: the others are found still.
    for (std::uint32_t slot = 0; slot < kRoom; ++slot) {
      CHECK(index.has_more_than(kRoom - slot - 1, place));
      index.erase(place, slot);
    }
    CHECK(!index.has_more_than(0, place));
  }
}

}  // namespace
}  // namespace ringtrace::pool::testing
