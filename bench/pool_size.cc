// What 10 million numbers take: memory, and time to start.
//
// Measured: bytes a number is NumberPools::memory_bytes(), all that is fixed at start, less the bytes
// configured for attributes, divided by the configured numbers. Beside it what the process really grew by
// (pages resident, /proc/self/statm) when the same pool was made, attributes and all. Start-up is
// NumberPools::create from a finished configuration: checking it, making all memory, entering every number in
// the directory. The peer is one byte and one second, so that the ratio is the figure itself.
//
// Doubts: the kernel's zeroing of some 4 GB, in large pages where it has them, is the larger part of the
// start: it is the machine's figure as much as ours, and several times as much where a hypervisor has yet to
// find the memory. Reading the configuration file
// and the leases of an earlier life from the store are not in it.

#include <unistd.h>

#include <fstream>

#include "bench/pool_bench.h"
#include "bench/pool_world.h"

namespace ringtrace::bench {
namespace {

constexpr std::size_t kNumbers = 10'000'000;
constexpr int kRounds = 3;

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void pool_size(std::vector<Row>& rows) {
  const auto one = [] { return 1.0; };
  const pool::PoolsConfig config = config_of(kNumbers);
  double bytes = 0, grown = 0;
  const auto start = [&] {
    const double before = resident_bytes();
    const auto begin = std::chrono::steady_clock::now();
    const auto pools = make_pools(config);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    bytes = static_cast<double>(pools->memory_bytes() - config.attribute_bytes);
    grown = resident_bytes() - before;
    return taken.count();
  };
  rows.push_back(compare(pool_row("start-up of 10 M numbers", "s", "one second", Target::at_most(3)), kRounds,
                         start, one));
  rows.push_back(compare(
      pool_row("memory of 10 M numbers, each", "bytes", "one byte", Target::at_most(400)), 1,
      [&] { return bytes / kNumbers; }, one));
  rows.push_back(compare(
      pool_row("resident, with 64 MiB of attributes, each", "bytes", "one byte", {}), 1,
      [&] { return grown / kNumbers; }, one));
}

}  // namespace ringtrace::bench
