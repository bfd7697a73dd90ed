// Runs proofs on a pool that is wrong. kUsage says how.

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string_view>

#include "tests/pool/parked_operations.h"
#include "tests/pool/proofs.h"
#include "tests/pool/signal_stops.h"
#include "tests/pool/small_cases.h"
#include "tests/pool/state_machine.h"
#include "tests/pool/thread_histories.h"

namespace {

namespace proofs = ringtrace::pool::testing;

struct Proof {
  const char* name;
  proofs::Found (*run)();
};

constexpr const char* kUsage =
    "Runs proofs on a number pool that was made wrong on purpose, to see that they find it out.\n"
    "\n"
    "Usage: %s [PROOF...]\n"
    "\n"
    "Without a proof: runs all and says what each found; exit code 0 when at least one found something.\n"
    "With proofs: exit code 0 when each of them found something. Exit code 1 when not, 2 for a proof that\n"
    "there is none of.\n"
    "\n"
    "Proofs:";

constexpr std::uint64_t kSeeds = 3'000;
constexpr std::array<Proof, 11> kProofs = {{
    {"exhaustive", proofs::run_small_cases},
    {"rivals", [] { return proofs::run_rivals(kSeeds); }},
    {"readers", [] { return proofs::run_readers(kSeeds); }},
    {"due_tree", [] { return proofs::run_due_tree(kSeeds); }},
    {"marks_and_index", [] { return proofs::run_marks_and_index(kSeeds); }},
    {"full_home", [] { return proofs::run_full_home(kSeeds); }},
    {"users", [] { return proofs::run_users(kSeeds); }},
    {"parked", proofs::run_parked},
    {"signals", [] { return proofs::run_signals(1'000); }},
    {"state_machine", [] { return proofs::run_state_machine().found(); }},
    {"histories", [] { return proofs::run_histories(20'000); }},
}};

bool finds(const Proof& proof) {
  const proofs::Found found = proof.run();
  if (found.wrong.empty()) {
    std::printf("%s finds nothing wrong\n", proof.name);
    return false;
  }
  std::printf("counted: a wrong pool, found by %s after %llu runs: %s\n", proof.name,
              static_cast<unsigned long long>(found.schedules), found.wrong.c_str());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  const std::span<char*> names(arguments + 1, arguments + count);
  const auto is_proof = [](std::string_view name) {
    return std::any_of(kProofs.begin(), kProofs.end(),
                       [&](const Proof& proof) { return name == proof.name; });
  };
  for (const std::string_view name : names) {
    if (is_proof(name)) continue;
    const bool asks = name == "--help" || name == "-h";
    std::FILE* const out = asks ? stdout : stderr;
    if (!asks) std::fprintf(out, "%s: there is no proof '%s'\n\n", arguments[0], name.data());
    std::fprintf(out, kUsage, arguments[0]);
    for (const Proof& proof : kProofs) std::fprintf(out, " %s", proof.name);
    std::fprintf(out, "\n");
    return asks ? 0 : 2;
  }
  std::size_t ran = 0, found = 0;
  for (const Proof& proof : kProofs) {
    if (!names.empty() && std::find(names.begin(), names.end(), std::string_view(proof.name)) == names.end())
      continue;
    ++ran;
    found += finds(proof) ? 1 : 0;
  }
  return found == ran || (names.empty() && found > 0) ? 0 : 1;
}
