// The explorer itself, on programs small enough to know the answer, or to run every schedule there is.

#include "tests/pool/trace_guide.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/pool/bounded_guide.h"
#include "tests/pool/counted.h"
#include "tests/pool/explore.h"

namespace ringtrace::pool::testing {
namespace {

/// What the threads of a program share, and what each of them saw.
struct Shared {
  std::array<DeterministicAtomic<int>, 4> atoms{};
  std::array<std::vector<int>, TraceGuide::kMostThreads> saw;

  int load(std::size_t thread, std::size_t atom) { return saw[thread].emplace_back(atoms[atom].load()); }
};
using Program = std::vector<std::function<void(Shared&)>>;

/// What the schedules of a program came to: each outcome is what its threads saw, and then the atoms' values.
struct Explored {
  Found found;
  std::set<std::vector<std::vector<int>>> outcomes;
  std::set<std::vector<std::uint32_t>> classes;
};

template <typename Guide>
Explored explore_program(const Program& program, Guide guide) {
  Shared shared;
  Rewind rewind;
  Explored explored;
  std::vector<std::function<void()>> bodies;
  for (const auto& thread : program) bodies.emplace_back([&shared, &thread] { thread(shared); });
  const auto judge = [&] {
    std::vector<std::vector<int>> outcome(shared.saw.begin(), shared.saw.end());
    for (auto& atom : shared.atoms) outcome.push_back({atom.load()});
    explored.outcomes.insert(outcome);
    if constexpr (std::is_same_v<Guide, TraceGuide>) explored.classes.insert(guide.trace());
    return std::string();
  };
  explored.found = explore(guide, bodies, judge, [&] {
    rewind.rewind();
    for (auto& each : shared.saw) each.clear();
  });
  return explored;
}

Explored reduced(const Program& program) { return explore_program(program, TraceGuide(program.size())); }
Explored every_schedule(const Program& program) {
  return explore_program(program, TraceGuide(program.size(), false));
}

/// Some outcome in which `is(saw, values)`.
template <typename Is>
bool comes_about(const Explored& explored, Is is) {
  return std::any_of(explored.outcomes.begin(), explored.outcomes.end(), [&](const auto& outcome) {
    return is(outcome, [&](std::size_t atom) { return outcome[TraceGuide::kMostThreads + atom][0]; });
  });
}

TEST_CASE("the exploration finds an update that is lost, and none where none is") {
  const auto careless = [](Shared& shared) { shared.atoms[0].store(shared.atoms[0].load() + 1); };
  const auto careful = [](Shared& shared) { shared.atoms[0].fetch_add(1); };
  const auto lost = [](const auto&, const auto& value) { return value(0) < 2; };
  CHECK(comes_about(reduced({careless, careless}), lost));
  CHECK(comes_about(explore_program({careless, careless}, BoundedGuide(2, 1)), lost));
  CHECK_FALSE(comes_about(explore_program({careless, careless}, BoundedGuide(2, 0)), lost));
  CHECK_FALSE(comes_about(reduced({careful, careful}), lost));
}

TEST_CASE("the exploration finds that both threads pass Dekker's door if they look before they knock") {
  const auto thread = [](std::size_t self, bool knocks_first) {
    return [self, knocks_first](Shared& shared) {
      if (knocks_first) shared.atoms[self].store(1);
      shared.load(self, 1 - self);
      if (!knocks_first) shared.atoms[self].store(1);
    };
  };
  const auto both_pass = [](const auto& saw, const auto&) { return saw[0][0] == 0 && saw[1][0] == 0; };
  CHECK_FALSE(comes_about(reduced({thread(0, true), thread(1, true)}), both_pass));
  CHECK(comes_about(reduced({thread(0, false), thread(1, true)}), both_pass));
}

/// A stack of indices 1 to 3, R. K. Treiber's: atoms[0] is its top, with a count of changes above it when
/// tagged, and atoms[i] says what is below i.
struct Stack {
  Shared& shared;
  bool tagged;

  int pop() {
    for (int top = shared.atoms[0].load(); top % 8 != 0;) {
      const int below = shared.atoms[static_cast<std::size_t>(top % 8)].load();
      if (shared.atoms[0].compare_exchange_strong(top, replaced(top, below))) return top % 8;
    }
    return 0;
  }
  void push(int index) {
    for (int top = shared.atoms[0].load();;) {
      shared.atoms[static_cast<std::size_t>(index)].store(top % 8);
      if (shared.atoms[0].compare_exchange_strong(top, replaced(top, index))) return;
    }
  }
  int replaced(int top, int index) const { return (tagged ? top / 8 * 8 + 8 : 0) + index; }
};

TEST_CASE("the exploration finds an exchange that takes a value come back for one that never went") {
  for (const bool tagged : {false, true}) {
    const auto thread = [tagged](std::size_t self) {
      return [self, tagged](Shared& shared) {
        Stack stack{shared, tagged};
        if (self == 0) stack.push(1), stack.push(2);
        const int first = stack.pop();
        const int second = self == 0 ? 0 : stack.pop();
        if (self == 1 && first != 0) stack.push(first);
        if (self == 0) shared.saw[self].push_back(first);
        if (self == 1) shared.saw[self].push_back(second);
      };
    };
    // Who was left with an index, and is it in the stack too?
    const auto doubled = [](const auto& saw, const auto& value) {
      for (int in = value(0) % 8, steps = 0; in != 0 && steps < 4;
           in = value(static_cast<std::size_t>(in)), ++steps) {
        if (in == saw[0][0] || in == saw[1][0]) return true;
      }
      return saw[0][0] != 0 && saw[0][0] == saw[1][0];
    };
    CHECK(comes_about(reduced({thread(0), thread(1)}), doubled) == !tagged);
  }
}

TEST_CASE("the exploration runs one schedule of each class, as many as the textbooks count") {
  const auto write = [](std::size_t atom, int value) {
    return [=](Shared& shared) { shared.atoms[atom].store(value); };
  };
  const auto read = [](std::size_t thread, std::size_t atom) {
    return [=](Shared& shared) { shared.load(thread, atom); };
  };
  const auto add = [](int times) {
    return [times](Shared& shared) {
      for (int i = 0; i < times; ++i) shared.atoms[0].fetch_add(1);
    };
  };
  const auto count = [](const Program& program) { return reduced(program).found.schedules; };
  // Threads that do not meet: one. n writers of one place: n!. m and n changes: m + n over n.
  CHECK(count({write(0, 1), write(1, 1), write(2, 1), write(3, 1)}) == 1);
  CHECK(count({write(0, 1), write(0, 2), write(0, 3)}) == 6);
  CHECK(count({write(0, 1), write(0, 2), write(0, 3), write(0, 4)}) == 24);
  CHECK(count({add(3), add(3)}) == 20);
  CHECK(count({add(2), add(2), add(2)}) == 90);
  // A writer and n readers: each before or after it, 2^n (Abdulla and others, "readers").
  CHECK(count({write(0, 1), read(1, 0), read(2, 0), read(3, 0)}) == 8);
  // One writes x; one reads y, then x; one reads z, then x (there, example 1): four.
  CHECK(count({write(0, 1), [](Shared& s) { s.load(1, 1), s.load(1, 0); },
               [](Shared& s) { s.load(2, 2), s.load(2, 0); }}) == 4);
  // Two that write x and y the other way round: not both can be the first of both.
  CHECK(count({[](Shared& s) { s.atoms[0].store(1), s.atoms[1].store(1); },
               [](Shared& s) { s.atoms[1].store(2), s.atoms[0].store(2); }}) == 3);
  // What changes nothing is a read: two failed exchanges, two stores of what is there.
  const auto fail = [](Shared& shared) {
    int other = 7;
    shared.atoms[0].compare_exchange_strong(other, 8);
  };
  CHECK(count({fail, fail, write(0, 0)}) == 1);
}

/// A thread of a few accesses of all kinds, some of them only when what it saw last was odd.
std::function<void(Shared&)> random_thread(std::size_t self, std::mt19937_64& random, std::size_t accesses) {
  struct Step {
    unsigned kind;
    std::size_t atom;
    int value;
    bool only_when_odd;
  };
  std::vector<Step> steps;
  for (std::size_t i = 0; i < accesses; ++i) {
    steps.push_back({static_cast<unsigned>(random() % 5), random() % 2, static_cast<int>(random() % 3),
                     random() % 4 == 0});
  }
  return [self, steps](Shared& shared) {
    std::vector<int>& saw = shared.saw[self];
    for (const Step& step : steps) {
      auto& atom = shared.atoms[step.atom];
      if (step.only_when_odd && (saw.empty() || saw.back() % 2 == 0)) continue;
      if (step.kind < 2) saw.push_back(atom.load());
      if (step.kind == 2) atom.store(step.value);
      if (step.kind == 3) saw.push_back(atom.fetch_add(1));
      if (step.kind == 4) {
        int expected = saw.empty() ? 0 : saw.back();
        saw.push_back(atom.compare_exchange_strong(expected, step.value) ? -1 : expected);
      }
    }
  };
}

TEST_CASE("the exploration sees all that every schedule shows, and each class of schedules once") {
  constexpr std::uint64_t kPrograms = kUnderSanitizer ? 60 : 600;
  std::uint64_t plain = 0, classes = 0;
  for (std::uint64_t seed = 1; seed <= kPrograms; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    Program program;
    const std::size_t threads = 2 + seed % 3;
    const std::size_t accesses = threads == 2 ? 5 : threads == 3 ? 3 : 2;
    for (std::size_t i = 0; i < threads; ++i) program.push_back(random_thread(i, random, accesses));
    const Explored all = every_schedule(program);
    const Explored few = reduced(program);
    REQUIRE(all.found.wrong == "");
    REQUIRE(few.found.wrong == "");
    REQUIRE(few.outcomes == all.outcomes);
    REQUIRE(few.classes == all.classes);
    REQUIRE(few.found.schedules == all.classes.size());
    // With as many preemptions as there are accesses the bound is none.
    REQUIRE(explore_program(program, BoundedGuide(threads, 16)).outcomes == all.outcomes);
    plain += all.found.schedules;
    classes += few.found.schedules;
  }
  counted("exploration of " + std::to_string(kPrograms) + " random programs: " + std::to_string(classes) +
          " schedules of " + std::to_string(plain));
  CHECK(classes * 4 < plain);
}

}  // namespace
}  // namespace ringtrace::pool::testing
