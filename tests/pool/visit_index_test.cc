#include "pool/visit_index.h"

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
    refused += index.insert(hashes[slot], slot) ? 0U : 1U;
  };
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) enter(slot);
  for (std::uint64_t i = 0; i < kComing; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % kSlots);
    index.erase(hashes[slot], slot);
    enter(slot);
  }
  CHECK(refused == 0);
  counted("entries of the visit index that came and went: " + std::to_string(kComing));
}

}  // namespace
}  // namespace ringtrace::pool::testing
