#include "pool/text_arena.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/pool/deterministic_atomic.h"
#include "tests/pool/park_points.h"

namespace ringtrace::pool::testing {
namespace {

using Arena = TextArena<>;

/// What the tests keep for an owner: recognizable by its owner in every word.
template <typename Owner>
std::string visitor_of(const Owner& owner) {
  return "visitor " + std::to_string(owner.slot) + "." + std::to_string(owner.generation);
}
template <typename Owner>
std::string attributes_of(const Owner& owner, std::size_t size) {
  const std::string name = std::to_string(owner.slot) + "." + std::to_string(owner.generation) + ";";
  std::string text;
  while (text.size() < size) text += name;
  text.resize(size);
  return text;
}

TEST_CASE("texts come back to their owner, of every size up to the limits") {
  Arena arena(64 * Arena::kChunkBytes);
  std::uint64_t generation = 0;
  for (const std::size_t visitor : {0U, 1U, 7U, 8U, 127U, 128U}) {
    for (const std::size_t attributes : {0U, 1U, 9U, 220U, 232U, 233U, 480U, 481U, 2047U, 2048U}) {
      const Arena::Owner owner{7, ++generation};
      const std::string visitor_text = attributes_of(Arena::Owner{1, generation}, visitor);
      const std::string attributes_text = attributes_of(Arena::Owner{2, generation}, attributes);
      const std::uint32_t handle = arena.put(owner, visitor_text, attributes_text);
      if (visitor + attributes == 0) {
        CHECK(handle == 0);
        continue;
      }
      REQUIRE(handle != 0);
      CHECK(arena.attributes(handle, owner) == attributes_text);
      CHECK(arena.visitor(handle, owner)->view() == visitor_text);
      CHECK_FALSE(arena.attributes(handle, {7, generation + 1}));
      CHECK_FALSE(arena.attributes(handle, {8, generation}));
      CHECK_FALSE(arena.visitor(handle, {8, generation}));
    }
  }
}

TEST_CASE("texts beyond a limit or the arena are not kept") {
  Arena arena(2 * Arena::kChunkBytes + 255);
  CHECK(arena.put({1, 1}, std::string(129, 'v'), "") == 0);
  CHECK(arena.put({1, 1}, "", std::string(2049, 'a')) == 0);
  CHECK(arena.put({1, 1}, "", std::string(481, 'a')) == 0);
  const std::uint32_t handle = arena.put({1, 1}, "", std::string(480, 'a'));
  REQUIRE(handle != 0);
  CHECK(arena.attributes(handle, {1, 1}) == std::string(480, 'a'));
  CHECK_FALSE(arena.attributes(0, {1, 1}));
  CHECK_FALSE(arena.attributes(3, {1, 1}));
  CHECK_FALSE(arena.attributes(0xFFFF'FFFF, {1, 1}));
  Arena none(255);
  CHECK(none.put({1, 1}, "visitor", "") == 0);
  CHECK_FALSE(none.visitor(1, {1, 1}));
}

TEST_CASE("the newest texts take the place of the oldest") {
  Arena arena(10 * Arena::kChunkBytes);
  std::array<std::uint32_t, 50> handles{};
  for (std::uint32_t i = 0; i < 50; ++i) {
    handles[i] = arena.put({i, 1}, "", attributes_of(Arena::Owner{i, 1}, 300));
    REQUIRE(handles[i] != 0);
    for (std::uint32_t known = 0; known <= i; ++known) {
      const auto text = arena.attributes(handles[known], {known, 1});
      REQUIRE(text.has_value() == (i - known < 5));
      if (text) REQUIRE(*text == attributes_of(Arena::Owner{known, 1}, 300));
    }
  }
}

TEST_CASE("a text that looks like another owner's beginning is not taken for one") {
  Arena arena(2 * Arena::kChunkBytes);
  const Arena::Owner gone{5, 9};
  REQUIRE(arena.put({1, 1}, "", "x") == 1);
  const std::uint32_t handle = arena.put(gone, "", "the owner's text");
  REQUIRE(handle == 2);
  std::array<std::uint64_t, 31 + 8> forged{};
  forged[29] = std::uint64_t{gone.slot} << 32 | 16;
  forged[30] = gone.generation;
  const std::string_view bytes(reinterpret_cast<const char*>(forged.data()), sizeof(forged));
  REQUIRE(arena.put({2, 1}, "", bytes) == 1);
  CHECK_FALSE(arena.attributes(handle, gone));
  CHECK_FALSE(arena.visitor(handle, gone));
}

/// Whatever handle is asked with, the answer is none or the owner's text, whole.
template <typename TestArena>
bool answers_are_exact(const TestArena& arena, const typename TestArena::Owner& owner, std::size_t size,
                       std::uint32_t handle) {
  const auto text = arena.attributes(handle, owner);
  const auto visitor = arena.visitor(handle, owner);
  return (!text || *text == attributes_of(owner, size)) && (!visitor || visitor->view() == visitor_of(owner));
}

constexpr std::array<std::size_t, 3> kSizes = {20, 210, 300};  // of 1, 1 or 2, and 2 chunks

TEST_CASE("in no schedule does a reader see a torn text or another's") {
  using TestArena = TextArena<DeterministicAtomic>;
  std::uint64_t steps = 0, kept = 0, read = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    TestArena arena(3 * TestArena::kChunkBytes);
    bool exact = true;
    const auto write = [&](std::uint32_t slot) {
      return [&, slot] {
        for (std::uint64_t generation = 1; generation <= 3; ++generation) {
          const typename TestArena::Owner owner{slot, generation};
          const std::size_t size = kSizes[(slot + generation) % kSizes.size()];
          const auto handle = arena.put(owner, visitor_of(owner), attributes_of(owner, size));
          if (handle != 0) ++kept;
        }
      };
    };
    const auto ask = [&] {
      for (std::uint64_t generation = 1; generation <= 3; ++generation) {
        for (std::uint32_t slot = 0; slot < 2; ++slot) {
          for (std::uint32_t handle = 1; handle <= 3; ++handle) {
            const typename TestArena::Owner owner{slot, generation};
            const std::size_t size = kSizes[(slot + generation) % kSizes.size()];
            if (!answers_are_exact(arena, owner, size, handle)) exact = false;
            if (arena.attributes(handle, owner)) ++read;
          }
        }
      }
    };
    Schedule schedule(seed);
    schedule.run({write(0), write(1), ask});
    REQUIRE(exact);
    steps += schedule.steps();
  }
  CHECK(kept > 800);
  CHECK(read > 20);
  WARN("schedules run: 400, steps: " << steps << ", texts kept: " << kept << ", read: " << read);
}

TEST_CASE("a text is not seen before the last of its chunks is written") {
  using TestArena = TextArena<DeterministicAtomic>;
  std::uint64_t seen = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    TestArena arena(2 * TestArena::kChunkBytes);
    const typename TestArena::Owner owner{1, 1};
    bool exact = true, written = false;
    const auto write = [&] {
      arena.put(owner, "", attributes_of(owner, 480));
      written = true;
    };
    const auto ask = [&] {
      while (!written) {
        const auto text = arena.attributes(1, owner);
        if (text && *text != attributes_of(owner, 480)) exact = false;
        if (text) ++seen;
      }
    };
    // The writer sleeps before one of its last ten accesses of 69 and wakes while a reader is anywhere.
    Schedule schedule(seed, {0, 60 + seed % 10, 100 + seed});
    schedule.run({write, ask});
    REQUIRE(exact);
  }
  WARN("schedules run: 200, texts seen before the put returned: " << seen);
}

TEST_CASE("a put that slept for a round of the ring takes the oldest place, not the newest") {
  using TestArena = TextArena<DeterministicAtomic>;
  for (const std::uint64_t asleep_before : {2U, 3U}) {  // looking at its chunk, claiming it
    TestArena arena(8 * TestArena::kChunkBytes);
    const typename TestArena::Owner late{9, 1};
    std::uint32_t late_handle = 0;
    std::array<std::uint32_t, 5> handles{};
    Schedule schedule(1, {0, asleep_before, 20'000});
    const auto put_late = [&] { late_handle = arena.put(late, "", attributes_of(late, 300)); };
    const auto put_five = [&] {
      while (!schedule.stopped()) Schedule::step();
      for (std::uint32_t i = 0; i < 5; ++i) {
        handles[i] = arena.put({i, 1}, "", attributes_of(typename TestArena::Owner{i, 1}, 300));
      }
    };
    schedule.run({put_late, put_five});
    CHECK(arena.attributes(late_handle, late) == attributes_of(late, 300));
    CHECK_FALSE(arena.attributes(handles[1], {1, 1}));
    for (std::uint32_t i = 2; i < 5; ++i) CHECK(arena.attributes(handles[i], {i, 1}).has_value());
  }
}

TEST_CASE("a thread stopped at any access of a put keeps one chunk and stops nobody") {
  using TestArena = TextArena<DeterministicAtomic>;
  std::uint64_t lost = 0;
  const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
    TestArena arena(8 * TestArena::kChunkBytes);
    bool exact = true;
    const auto put_all = [&](std::uint32_t slot) {
      return [&, slot] {
        for (std::uint64_t generation = 1; generation <= 6; ++generation) {
          const typename TestArena::Owner owner{slot, generation};
          const auto handle = arena.put(owner, visitor_of(owner), attributes_of(owner, 300));
          if (handle == 0 && slot != 0) ++lost;
          if (!answers_are_exact(arena, owner, 300, handle)) exact = false;
        }
      };
    };
    const auto put_one = [&] {
      const typename TestArena::Owner owner{0, 1};
      const auto handle = arena.put(owner, visitor_of(owner), attributes_of(owner, 300));
      if (!answers_are_exact(arena, owner, 300, handle)) exact = false;
    };
    schedule.run({put_one, put_all(1), put_all(2)});
    REQUIRE(exact);
    // The stopped thread has gone on: nothing is left claimed.
    for (std::uint64_t generation = 11; generation <= 14; ++generation) {
      REQUIRE(arena.put({3, generation}, "", std::string(300, 'z')) != 0);
    }
  });
  WARN("park points run: " << points.stops);
  CHECK(points.stuck == 0);
  CHECK(points.stops > 100);
  CHECK(lost == 0);
}

TEST_CASE("threads that write and read at once see whole texts of the right owner") {
  Arena arena(24 * Arena::kChunkBytes);
  struct Place {
    std::atomic<std::uint32_t> handle{0};
    std::atomic<std::uint64_t> generation{0};
  };
  std::array<Place, 2> places;
  std::atomic<bool> writing{true}, exact{true};
  std::atomic<std::uint64_t> read{0};
  const auto size_of = [](std::uint64_t generation) {
    return static_cast<std::size_t>(generation * 37 % 2048);
  };
  std::vector<std::thread> threads;
  for (std::uint32_t slot = 0; slot < 2; ++slot) {
    threads.emplace_back([&, slot] {
      for (std::uint64_t generation = 1; generation <= 20'000; ++generation) {
        const Arena::Owner owner{slot, generation};
        const std::uint32_t handle =
            arena.put(owner, visitor_of(owner), attributes_of(owner, size_of(generation)));
        if (handle == 0) continue;
        places[slot].generation.store(generation, std::memory_order_release);
        places[slot].handle.store(handle, std::memory_order_release);
      }
    });
  }
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      while (writing.load()) {
        for (std::uint32_t slot = 0; slot < 2; ++slot) {
          const std::uint32_t handle = places[slot].handle.load(std::memory_order_acquire);
          const std::uint64_t generation = places[slot].generation.load(std::memory_order_acquire);
          const Arena::Owner owner{slot, generation};
          if (!answers_are_exact(arena, owner, size_of(generation), handle)) exact = false;
          if (arena.attributes(handle, owner)) read.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  threads[0].join();
  threads[1].join();
  writing = false;
  threads[2].join();
  threads[3].join();
  CHECK(exact);
  CHECK(read > 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
