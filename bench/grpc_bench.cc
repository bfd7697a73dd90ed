#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/grpc_child.h"
#include "bench/grpc_load.h"
#include "bench/report.h"
#include "grpc/library_locks.h"
#include "tests/redis/redis_server.h"

/// The services over a Redis (appendfsync everysec, unix socket) beside an empty RPC of the same library:
/// client, server and Redis are processes of one machine. Every visit is new, and while the load runs each
/// lease is checked to be durable and each number to be given once; a run with a failure ends the program.
namespace ringtrace::bench {
namespace {

using namespace std::chrono_literals;

Row row_of(std::string what, std::string unit, std::string peer_name, Target target) {
  Row row;
  row.bench = "grpc";
  row.what = std::move(what);
  row.unit = std::move(unit);
  row.peer_name = std::move(peer_name);
  row.target = target;
  return row;
}

/// A fresh gateway over a fresh Redis.
struct Ours {
  test::RedisServer redis{{"--appendfsync", "everysec"}};
  Child child{{"gateway", redis.unix_endpoint().unix_path}};
};

const LoadResult& checked(const LoadResult& result) {
  if (result.failures + result.doubles == 0) return result;
  std::fprintf(stderr, "bench: %llu failures, %llu numbers given twice\n",
               static_cast<unsigned long long>(result.failures),
               static_cast<unsigned long long>(result.doubles));
  std::exit(1);
}

double ours_per_second(int concurrency) {
  const Ours ours;
  return checked(run_unary_load({ours.child.address(), true, concurrency})).per_second;
}

double empty_per_second(int concurrency) {
  const Child empty({"empty"});
  return checked(run_unary_load({empty.address(), false, concurrency})).per_second;
}

double p99(const std::string& address, bool leases, int concurrency, double rate) {
  return quantile(checked(run_unary_load({address, leases, concurrency, 4s, rate, 1s})).latencies_ms, 0.99);
}

double ours_p99(int concurrency, double rate) {
  const Ours ours;
  return p99(ours.child.address(), true, concurrency, rate);
}

double empty_p99(int concurrency, double rate) {
  const Child empty({"empty"});
  return p99(empty.address(), false, concurrency, rate);
}

void add_unary(std::vector<Row>& rows) {
  constexpr int kRounds = 3;
  for (const int concurrency : {1, 16, 64}) {
    const std::string at = " at " + std::to_string(concurrency);
    Row throughput = row_of("LeaseNumber, durable," + at, "calls/s", "empty RPC", Target::at_least(0.6));
    rows.push_back(compare(
        throughput, kRounds, [&] { return ours_per_second(concurrency); },
        [&] { return empty_per_second(concurrency); }));
    // Half of what ours can do, so that both are asked for the same and neither is full.
    const double rate = rows.back().ours / 2;
    Row latency =
        row_of("p99 of the same, Poisson at half of its rate," + at, "ms", "empty RPC", Target::at_most(2));
    rows.push_back(compare(
        latency, kRounds, [&] { return ours_p99(concurrency, rate); },
        [&] { return empty_p99(concurrency, rate); }));
  }
}

void add_idle(std::vector<Row>& rows) {
  Row row = row_of("p99 of LeaseNumber, one call every 1.3 s", "ms", "the bound", Target::at_most(1));
  std::fprintf(stderr, "bench: %s\n", row.what.c_str());
  const Ours ours;
  row.ours = quantile(run_idle_calls(ours.child.address(), 16, 1'300ms), 0.99);
  row.peer = 5;
  row.ratio = row.ours / row.peer;
  row.ok = row.target.met(row.ratio);
  rows.push_back(row);
}

void add_streams(std::vector<Row>& rows) {
  Row leases = row_of("LeaseNumbers, durable, 64 a message, 1024 under way", "leases/s", "unary at 64",
                      Target::at_least(5));
  rows.push_back(compare(
      leases, 3,
      [] {
        const Ours ours;
        return checked(run_stream_load({ours.child.address(), true, 1024})).per_second;
      },
      [] { return ours_per_second(64); }));

  Row delay = row_of("p99 delay of events, 19 readers at 2000/s, a 20th stopped", "ms", "none stopped",
                     Target::at_most(1.2));
  double grown = 0;
  const auto readers = [&grown](bool stopped) {
    const Ours ours;
    ours.child.tell();
    run_event_readers(ours.child.address(), 19, false, 500ms);
    const double before = ours.child.resident_mib();
    const double p99 = quantile(run_event_readers(ours.child.address(), 19, stopped, 3s), 0.99);
    if (stopped) grown = std::max(grown, ours.child.resident_mib() - before);
    return p99;
  };
  rows.push_back(compare(
      delay, 3, [&] { return readers(true); }, [&] { return readers(false); }));

  Row memory = row_of("memory grown in 3 s of that", "MiB", "the bound", Target::at_most(1));
  memory.ours = grown;
  memory.peer = 32;
  memory.ratio = memory.ours / memory.peer;
  memory.ok = memory.target.met(memory.ratio);
  rows.push_back(memory);
}

/// For profiling: one load against a server that was begun with --serve, and its rate; with a rate of calls
/// also how long they took.
int load_only(const std::string& address, const std::string& kind, int concurrency, double rate) {
  if (kind == "idle") {
    for (const double each : run_idle_calls(address, concurrency, 1'300ms)) std::printf("%.3f ms\n", each);
    return 0;
  }
  if (kind == "readers") {  // of a server that was told to make events
    std::printf("%.1f ms\n", quantile(run_event_readers(address, concurrency, false, 3s), 0.99));
    return 0;
  }
  const LoadPlan plan{address, kind != "empty", concurrency, 5s, rate, 1s};
  const LoadResult result = kind == "stream" ? run_stream_load(plan) : run_unary_load(plan);
  std::printf("%.0f/s\n", checked(result).per_second);
  if (rate == 0) return 0;
  for (const double share : {0.5, 0.9, 0.99, 0.999, 1.0})
    std::printf("p%g %.3f ms\n", share * 100, quantile(result.latencies_ms, share));
  return 0;
}

}  // namespace
}  // namespace ringtrace::bench

int main(int argc, char** argv) {
  using namespace ringtrace::bench;
  ringtrace::rpc::stop_deadlock_search();  // as a gateway does; for the load and the empty RPC, too
  if (argc >= 5 && std::string_view(argv[1]) == "--load")
    return load_only(argv[2], argv[3], std::stoi(argv[4]), argc > 5 ? std::stod(argv[5]) : 0);
  if (argc > 2 && std::string_view(argv[1]) == "--serve") return serve({argv + 2, argv + argc});
  std::vector<Row> rows;
  add_unary(rows);
  add_idle(rows);
  add_streams(rows);
  return report(argc, argv, rows);
}
