// Whether a second reader doubles the resolutions while a third thread leases and releases.
//
// Measured: resolutions of random numbers in a pool of 10,000, four fifths of them lent, for a tenth of a
// second a round; ours is two readers, the peer one, so that the ratio is the gain. On a machine with three
// cores the plain figure would say it. With two, a writer at full speed takes its share from two readers and
// not from one, and two readers can gain no more than a third however little they meet. Hence two rows:
//
//   paced writer   100 leases and releases, then 2 ms of sleep (some 40,000 a second); resolutions of all
//                  readers in wall time
//   busy writer    leases and releases without a pause; resolutions a second of processor time, added up over
//                  the readers
//
// There is no verdict when the threads of our side had less than nine tenths of two cores: readers that run
// by turns do not meet, and would double their resolutions a second of processor time however bad the pool.
//
// Doubts: the paced writer still takes its few hundredths from two readers, so that 2.0 cannot be reached;
// with the busy writer two of the three threads share a core by turns, and meet less than on three cores;
// whoever else uses the machine takes from the side that uses more threads, ours.

#include <atomic>
#include <random>

#include "bench/pool_bench.h"
#include "bench/pool_world.h"
#include "bench/threads.h"

namespace ringtrace::bench {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::size_t kNumbers = 10'000;
constexpr std::size_t kLent = 8'000;
constexpr std::size_t kDialed = 1 << 14;
constexpr int kBurst = 100;
constexpr int kRounds = 15;

class Readers {
 public:
  Readers() {
    for (std::size_t i = 0; i < kLent; ++i) lend(*pools_, VisitName(i).view(), kStart);
    std::mt19937_64 random(1);
    for (std::size_t i = 0; i < kDialed; ++i) dialed_.push_back(number(random() % kNumbers));
    for (std::uint64_t i = 0; i < 1 << 14; ++i) names_.emplace_back(kNumbers + i);
  }

  /// Millions of resolutions a second, of all readers.
  double resolve(int readers, bool paced, Cores* cores = nullptr) {
    std::atomic<bool> over{false};
    std::vector<double> counts(static_cast<std::size_t>(readers)), used(counts);
    double wall = 0;
    const Span span = span_of(readers + 2, [&](int thread) {
      if (thread == readers) {
        write(over, paced);
      } else if (thread > readers) {
        const auto begin = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(100ms);
        over.store(true);
        wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      } else {
        const double before = thread_seconds();
        counts[static_cast<std::size_t>(thread)] = read(over, static_cast<std::size_t>(thread));
        used[static_cast<std::size_t>(thread)] = thread_seconds() - before;
      }
    });
    if (cores != nullptr) cores->add(span);
    double rate = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) rate += counts[i] / (paced ? wall : used[i]);
    return rate * 1e-6;
  }

 private:
  double read(const std::atomic<bool>& over, std::size_t offset) const {
    std::uint64_t count = 0;
    for (; !over.load(std::memory_order_relaxed); ++count) {
      const pool::Number dialed = dialed_[(offset * 1000 + count) % kDialed];
      keep(pools_->resolve({dialed, unknown_caller(), kStart}).confidence);
    }
    return static_cast<double>(count);
  }

  void write(const std::atomic<bool>& over, bool paced) {
    while (!over.load(std::memory_order_relaxed)) {
      for (int i = 0; i < kBurst; ++i) {
        const std::string_view visit = names_[visit_++ % names_.size()].view();
        lend(*pools_, visit, kStart);
        pools_->release({}, visit, kStart);
      }
      if (paced) std::this_thread::sleep_for(2ms);
    }
  }

  const std::unique_ptr<pool::NumberPools> pools_ = make_pools(config_of(kNumbers));
  std::vector<pool::Number> dialed_;
  std::vector<VisitName> names_;
  std::size_t visit_ = 0;  // the writer's
};

}  // namespace

void pool_readers(std::vector<Row>& rows) {
  Readers readers;
  for (const bool paced : {true, false}) {
    const std::string what =
        paced ? "resolve, 2 readers, paced writer" : "resolve, 2 readers, busy writer, CPU time";
    Cores cores;
    const Row row = compare(
        pool_row(what, "M/s", "1 reader", Target::at_least(1.8)), kRounds,
        [&] { return readers.resolve(2, paced, &cores); }, [&] { return readers.resolve(1, paced); });
    rows.push_back(cores.judge(row, 2));
  }
}

}  // namespace ringtrace::bench
