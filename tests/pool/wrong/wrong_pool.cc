// Runs proofs on a pool that is wrong: exit code 0 when each that is named finds it out. Without a name: says
// which do.

#include <array>
#include <cstdio>
#include <string_view>

#include "tests/pool/proofs.h"
#include "tests/pool/small_cases.h"

namespace {

namespace proofs = ringtrace::pool::testing;

struct Proof {
  const char* name;
  proofs::Found (*run)();
};

constexpr std::uint64_t kSeeds = 3'000;
constexpr std::array<Proof, 7> kProofs = {{
    {"exhaustive", proofs::run_small_cases},
    {"rivals", [] { return proofs::run_rivals(kSeeds); }},
    {"readers", [] { return proofs::run_readers(kSeeds); }},
    {"due_tree", [] { return proofs::run_due_tree(kSeeds); }},
    {"marks_and_index", [] { return proofs::run_marks_and_index(kSeeds); }},
    {"full_home", [] { return proofs::run_full_home(kSeeds); }},
    {"users", [] { return proofs::run_users(kSeeds); }},
}};

bool finds(const Proof& proof) {
  const proofs::Found found = proof.run();
  if (found.wrong.empty()) {
    std::printf("%s finds nothing wrong\n", proof.name);
    return false;
  }
  std::printf("counted: a wrong pool, found by %s after %llu schedules: %s\n", proof.name,
              static_cast<unsigned long long>(found.schedules), found.wrong.c_str());
  return true;
}

}  // namespace

int main(int count, char** names) {
  int found = 0;
  for (const Proof& proof : kProofs) {
    bool named = count == 1;
    for (int i = 1; i < count; ++i) named = named || std::string_view(names[i]) == proof.name;
    found += named && finds(proof) ? 1 : 0;
  }
  return found == count - 1 ? 0 : 1;
}
