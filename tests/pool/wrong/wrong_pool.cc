// Runs the proofs on a pool that is wrong: exit code 0 when one of them says so.

#include <array>
#include <cstdio>
#include <utility>

#include "tests/pool/proofs.h"

int main() {
  namespace proofs = ringtrace::pool::testing;
  constexpr std::uint64_t kSeeds = 3'000;
  const std::array<std::pair<const char*, proofs::Found (*)(std::uint64_t)>, 6> all = {{
      {"rivals for one visit", proofs::run_rivals},
      {"readers of a changing number", proofs::run_readers},
      {"the due tree", proofs::run_due_tree},
      {"marks and index", proofs::run_marks_and_index},
      {"entries that their home has no room for", proofs::run_full_home},
      {"threads that use a pool", proofs::run_users},
  }};
  for (const auto& [name, run] : all) {
    const proofs::Found found = run(kSeeds);
    if (found.wrong.empty()) continue;
    std::printf("counted: a wrong pool, found by %s: %s, after %llu schedules\n", name, found.wrong.c_str(),
                static_cast<unsigned long long>(found.schedules));
    return 0;
  }
  std::puts("nothing found wrong");
  return 1;
}
