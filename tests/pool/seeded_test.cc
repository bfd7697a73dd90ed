#include <catch2/catch.hpp>

#include "tests/pool/counted.h"
#include "tests/pool/proofs.h"

namespace ringtrace::pool::testing {
namespace {

constexpr std::uint64_t kFewer = kUnderSanitizer ? 8 : 1;

void show(const std::string& what, const Found& found) {
  counted("seeded schedules of " + what + ": " + std::to_string(found.schedules) + ", " +
          std::to_string(found.steps) + " steps");
  CHECK(found.wrong == "");
}

TEST_CASE("in no schedule of a seed do threads share a number, cut a hold short, overtake or lose one") {
  show("three threads that use a pool", run_users(2'000 / kFewer));
}

TEST_CASE("in no schedule of a seed does a visit that comes on several threads get two numbers") {
  show("rivals for one visit", run_rivals(6'000 / kFewer));
}

TEST_CASE("in no schedule of a seed does a reader see a torn record") {
  show("readers of a changing number", run_readers(1'500 / kFewer));
}

TEST_CASE("in no schedule of a seed is a due slot overlooked") {
  show("the due tree", run_due_tree(4'000 / kFewer));
}

TEST_CASE("in no schedule of a seed is a mark lost or given twice, or an entry not seen") {
  show("marks and index", run_marks_and_index(3'000 / kFewer));
  show("entries that their home has no room for", run_full_home(3'000 / kFewer));
}

TEST_CASE("the history checker sees what must not be") {
  const Number n = number(1), m = number(2);
  const auto span = [](Number of, std::uint64_t visit, std::uint64_t from, std::uint64_t to) {
    return HeldSpan{of, visit, from, to, from, to, false, false};
  };
  CHECK(find_violation({span(n, 1, 10, 20), span(n, 2, 20, 30), span(m, 3, 0, 99)}, 0) == "");
  CHECK(find_violation({span(n, 1, 10, 20), span(n, 2, 19, 30)}, 0) != "");
  CHECK(find_violation({span(n, 1, 10, 20), span(n, 2, 24, 30)}, 5) != "");
  CHECK(find_violation({span(n, 1, 10, 20), span(m, 1, 15, 30)}, 0) != "");
  // m rested after n and was lent before it; not when a call that began before n's end was still under way.
  const std::vector<HeldSpan> overtaken = {span(n, 1, 1, 10), span(m, 2, 2, 20), span(m, 3, 30, 50),
                                           span(n, 4, 40, 50)};
  CHECK(find_violation(overtaken, 0) != "");
  CHECK(find_violation(overtaken, 0, {{5, 25}}) == "");
  CHECK(find_violation(overtaken, 0, {{5, 15}}) != "");
}

}  // namespace
}  // namespace ringtrace::pool::testing
