// What durable leases cost, beside what one would write oneself.
//
// leases          a lease is written and acknowledged; 256 under way on one connection. Peers: the
// do-it-yourself
//                 answer, one Lua script a lease (take a free number, set two keys with expiry), each waited
//                 for, on one connection too; and redis-benchmark's SET of 100 bytes, 256 in a pipeline.
// one at a time   the time of one lease when nothing else goes on. Peer: the script.
// recovery        all leases of a pool read back, put in order and taken over into memory. Peer: the same
// hashes
//                 read with HGETALL one by one and thrown away; and the limit of 3 s for a million.
// bytes           memory of Redis for each live lease; and for each entry of the holder log. Peer: the limit,
// and
//                 two keys a lease with the same texts.
//
// Doubts: client and Redis share two cores; fsync is that of the machine's disk, whatever it promises.

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <sstream>

#include "bench/report.h"
#include "bench/store_world.h"
#include "gateway/clock.h"
#include "gateway/lease_reload.h"
#include "redis/keys.h"

namespace ringtrace::bench {
namespace {

using test::RedisServer;

constexpr std::uint64_t kDepth = 256;
constexpr int kRounds = 3;

constexpr const char* kScript =
    "local held = redis.call('GET', KEYS[1]) if held then return held end "
    "local number = redis.call('LPOP', KEYS[2]) if not number then return '' end "
    "redis.call('SET', 'number:' .. number, ARGV[1], 'PX', ARGV[2]) "
    "redis.call('SET', KEYS[1], number, 'PX', ARGV[2]) return number";

/// Keeps a row, and shows it: the whole takes minutes.
void add(std::vector<Row>& rows, Row row) {
  std::fprintf(stderr, "bench:   %.4g %s beside %.4g, ratio %.3g\n", row.ours, row.unit.c_str(), row.peer,
               row.ratio);
  rows.push_back(std::move(row));
}

void set(const RedisServer& server, const std::string& name, const std::string& value) {
  server.command({"CONFIG", "SET", name, value});
}

void clear(const RedisServer& server) { server.command({"FLUSHALL"}); }

/// Leases a second of the store.
double our_rate(const RedisServer& server, std::uint64_t count) {
  clear(server);
  StoreWorld world(server);
  return static_cast<double>(count) / lend_all(world, count, kDepth);
}

/// The same of the script; its times in microseconds when asked for.
double script_rate(const RedisServer& server, std::uint64_t count, std::vector<double>* latencies = nullptr) {
  clear(server);
  PlainClient client(server);
  for (std::uint64_t i = 0; i < count; i += 1'000) {
    std::vector<std::string> push = {"RPUSH", "free"};
    for (std::uint64_t j = i; j < i + 1'000; ++j)
      push.push_back(std::to_string(number_at(j, count).digits()));
    client.run(push);
  }
  const std::string sha = client.run({"SCRIPT", "LOAD", kScript})->str;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto each = std::chrono::steady_clock::now();
    const pool::LeaseRecord record = record_at(i, count, {});
    client.run({"EVALSHA", sha, "2", "visit:" + record.visit_id, "free", record.visit_id + " google/cpc",
                "1800000"});
    if (latencies != nullptr) {
      latencies->push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - each).count());
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(count) / taken.count();
}

double set_rate(const RedisServer& server, std::uint64_t count) {
  clear(server);
  const std::string command = "redis-benchmark -s " + server.unix_endpoint().unix_path + " -c 1 -P " +
                              std::to_string(kDepth) + " -d 100 -r 1000000 -t set --csv -n " +
                              std::to_string(count);
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), output.get()) != nullptr) text += line.data();
  const auto at = text.find("\"SET\",\"");
  if (at == std::string::npos) throw std::runtime_error("redis-benchmark: " + text);
  return std::stod(text.substr(at + 7));
}

void throughput(std::vector<Row>& rows, const RedisServer& server, const std::string& fsync,
                std::uint64_t count) {
  set(server, "appendfsync", fsync);
  rows.push_back(compare(
      {"store",
       "leases, appendfsync " + fsync,
       "1/s",
       0,
       0,
       "one script a lease",
       0,
       Target::at_least(3),
       {}},
      kRounds, [&] { return our_rate(server, count); }, [&] { return script_rate(server, count / 10); }));
  rows.push_back(compare(
      {"store",
       "leases, appendfsync " + fsync,
       "1/s",
       0,
       0,
       "redis-benchmark SET -P 256",
       0,
       Target::at_least(0.5),
       {}},
      kRounds, [&] { return our_rate(server, count); }, [&] { return set_rate(server, count); }));
  for (const double share : {0.5, 0.99}) {
    const std::string name = share < 0.9 ? "p50" : "p99";
    add(rows, compare(
                  {"store",
                   "one lease at a time, " + name + ", " + fsync,
                   "us",
                   0,
                   0,
                   "one script a lease",
                   0,
                   {},
                   {}},
                  kRounds,
                  [&] {
                    clear(server);
                    StoreWorld world(server);
                    std::vector<double> times;
                    lend_all(world, count / 50, 1, &times);
                    return quantile(times, share);
                  },
                  [&] {
                    std::vector<double> times;
                    script_rate(server, count / 50, &times);
                    return quantile(times, share);
                  }));
  }
}

std::unique_ptr<pool::NumberPools> make_pools(std::uint64_t count) {
  pool::PoolConfig config;
  config.name = pool::PoolName::cut(kPool);
  for (std::uint64_t i = 0; i < count; ++i)
    config.numbers.push_back(*pool::Number::from_digits(kFirstNumber + i));
  config.on_exhausted = pool::OnExhausted::kRefuse;
  pool::PoolsConfig all;
  all.pools.push_back(config);
  return std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(all));
}

/// Seconds until all leases are in memory again.
double reload(const RedisServer& server, std::uint64_t count) {
  const auto pools = make_pools(count);
  std::ostringstream lines;
  const auto log = gateway::Log::to_stream(lines, gateway::LogLevel::kInfo, 1024);
  gateway::SteadyClock clock;
  StoreWorld world(server);
  bool done = false;
  const auto ends_nothing = [](std::string_view, pool::Number, std::string_view) {
    return std::optional<pool::Time>();
  };
  const auto reload = std::make_shared<gateway::LeaseReload>(world.io, world.store, *pools, clock, *log,
                                                             ends_nothing, [&](const std::string& problem) {
                                                               if (!problem.empty())
                                                                 throw std::runtime_error(problem);
                                                               done = true;
                                                             });
  const auto begin = std::chrono::steady_clock::now();
  reload->start();
  world.run_until([&] { return done; });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  reload->stop();
  const auto leased = pools->counts({0}, clock.now()).leased;
  if (leased != count) throw std::runtime_error("reloaded " + std::to_string(leased));
  return taken.count();
}

double read_one_by_one(const RedisServer& server) {
  PlainClient client(server);
  const auto begin = std::chrono::steady_clock::now();
  const auto blocks = client.run({"SMEMBERS", redis::blocks_key(kPool)});
  for (std::size_t i = 0; i < blocks->elements; ++i) {
    client.run({"HGETALL", redis::lease_key_of_block(kPool, blocks->element[i]->str)});
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return taken.count();
}

void fill(const RedisServer& server, std::uint64_t count) {
  clear(server);
  set(server, "appendfsync", "no");
  StoreWorld world(server);
  lend_all(world, count, kDepth);
}

Row limit_row(Row row, double ours, double limit) {
  row.ours = ours;
  row.peer = limit;
  row.ratio = ours / limit;
  row.target = Target::at_most(1);
  row.ok = row.target.met(row.ratio);
  return row;
}

void recovery(std::vector<Row>& rows, const RedisServer& server) {
  for (const std::uint64_t count : {10'000U, 100'000U, 1'000'000U}) {
    fill(server, count);
    rows.push_back(compare(
        {"store",
         "recovery of " + std::to_string(count) + " leases",
         "s",
         0,
         0,
         "HGETALL one by one, thrown away",
         0,
         {},
         {}},
        3, [&] { return reload(server, count); }, [&] { return read_one_by_one(server); }));
    if (count == 1'000'000U) {
      add(rows, limit_row({"store", "recovery of 1000000 leases", "s", 0, 0, "the limit", 0, {}, {}},
                          rows.back().ours, 3));
    }
  }
}

void bytes(std::vector<Row>& rows) {
  constexpr std::uint64_t kCount = 1'000'000;
  RedisServer server({"--appendonly", "no"});
  const double empty = used_memory(server);
  StoreWorld world(server);
  lend_all(world, kCount, kDepth);
  const double ours = (used_memory(server) - empty) / kCount;
  rows.push_back(
      limit_row({"store", "memory of a live lease", "B", 0, 0, "the limit", 0, {}, {}}, ours, 200));
}

std::vector<Row> all() {
  std::vector<Row> rows;
  {
    const RedisServer server;
    throughput(rows, server, "everysec", 100'000);
    throughput(rows, server, "always", 30'000);
    recovery(rows, server);
  }
  bytes(rows);
  return rows;
}

}  // namespace
}  // namespace ringtrace::bench

int main(int argc, char** argv) { return ringtrace::bench::report(argc, argv, ringtrace::bench::all()); }
