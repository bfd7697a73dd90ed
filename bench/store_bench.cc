// What durable leases and the log of call events cost, beside what one would write oneself.
//
// leases          a lease is written and acknowledged. Through the store alone: 256 under way on one
//                 connection, the calls that one busy gateway has open at a time. Through gRPC: 64 calls
//                 under way, all processes on this machine. Peers: the do-it-yourself answer, one Lua
//                 script a lease (take a free number, set two keys with expiry), each waited for, on one
//                 connection too; and redis-benchmark's SET of 100 bytes, 256 in a pipeline, on one
//                 connection.
// lent again      the same for numbers that were lent before: the former holder goes into the holder log.
// one at a time   the time of one lease when nothing else goes on. Peer: the script.
// replica         each acknowledged when a replica has it, too (WAIT 1). Peer: the script, and WAIT 1
//                 after it.
// events          call events written into their log, with what they are found by: three of each of 10 000
//                 calls. Peer: one XADD an event, found by nothing, and told twice when an answer is lost.
// recovery        all leases of a pool read back, put in order and taken over into memory. Peers: the same
//                 hashes read with HGETALL one by one and thrown away; and the limit of 3 s for a million.
// memory          memory of Redis (used_memory) for each live lease: the lease and its visit's place in the
//                 index, a visit id of 36 bytes, the source google/cpc; then with a visitor id of 36 bytes,
//                 and with five attributes of 170 bytes as JSON. Peer: the limit of 200 bytes.
//
// Doubts: client and Redis share two cores; fsync is that of the machine's disk, whatever it promises.

#include <ringtrace/v1/visit.pb.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <sstream>

#include "bench/report.h"
#include "bench/store_events.h"
#include "bench/store_grpc.h"
#include "bench/store_world.h"
#include "gateway/clock.h"
#include "gateway/lease_reload.h"
#include "redis/keys.h"

namespace ringtrace::bench {

// bench/grpc_child.h, which is of another program and has numbers of its own.
int serve(const std::vector<std::string>& arguments);

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

double per_second(std::uint64_t count, double seconds) { return static_cast<double>(count) / seconds; }

/// Leases a second of the store.
double our_rate(const RedisServer& server, std::uint64_t count, int replicas = 0) {
  clear(server);
  StoreWorld world(server, replicas);
  return per_second(count, lend_all(world, {.count = count, .depth = kDepth}));
}

/// The same of numbers that were lent before.
double again_rate(const RedisServer& server, std::uint64_t count) {
  clear(server);
  StoreWorld world(server);
  Lending plan{.count = count, .depth = kDepth};
  lend_all(world, plan);
  plan.now += std::chrono::hours(2);
  plan.change = [](pool::LeaseRecord& record) { record.visit_id[9] = 'x'; };
  return per_second(count, lend_all(world, plan));
}

/// A share of the times of leases that are written one after another, in microseconds.
double our_time(const RedisServer& server, std::uint64_t count, double share, int replicas = 0) {
  clear(server);
  StoreWorld world(server, replicas);
  std::vector<double> times;
  lend_all(world, {.count = count, .latencies = &times});
  return quantile(times, share);
}

/// The same of the script; its times in microseconds when asked for.
double script_rate(const RedisServer& server, std::uint64_t count, std::vector<double>* latencies = nullptr,
                   bool waits = false) {
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
    if (waits && client.run({"WAIT", "1", "200"})->integer < 1) throw std::runtime_error("no replica");
    if (latencies != nullptr) {
      latencies->push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - each).count());
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return per_second(count, taken.count());
}

double script_time(const RedisServer& server, std::uint64_t count, double share, bool waits = false) {
  std::vector<double> times;
  script_rate(server, count, &times, waits);
  return quantile(times, share);
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

Row row_of(std::string what, std::string unit, std::string peer_name, Target target = {}) {
  Row row;
  row.bench = "store";
  row.what = std::move(what);
  row.unit = std::move(unit);
  row.peer_name = std::move(peer_name);
  row.target = target;
  return row;
}

constexpr const char* kPeer = "one script a lease";

void times(std::vector<Row>& rows, const RedisServer& server, const std::string& setting, std::uint64_t count,
           bool replica = false) {
  for (const double share : {0.5, 0.99}) {
    const std::string name = share < 0.9 ? "p50" : "p99";
    add(rows, compare(
                  row_of("one lease at a time, " + name + ", " + setting, "us",
                         replica ? "one script a lease and WAIT 1" : kPeer),
                  kRounds, [&] { return our_time(server, count, share, replica ? 1 : 0); },
                  [&] { return script_time(server, count, share, replica); }));
  }
}

void over_grpc(std::vector<Row>& rows, const RedisServer& server, const std::string& setting,
               std::uint64_t count) {
  add(rows, compare(
                row_of("leases over gRPC, 64 under way, " + setting, "1/s", kPeer), kRounds,
                [&] {
                  clear(server);
                  return grpc_leases_per_second(server, 64);
                },
                [&] { return script_rate(server, count); }));
  clear(server);
  const std::vector<double> latencies = grpc_lease_times(server, rows.back().ours / 2);
  for (const double share : {0.5, 0.99}) {
    const std::string name = share < 0.9 ? "p50" : "p99";
    Row row = row_of("one over gRPC at half of that rate, " + name + ", " + setting, "us", kPeer);
    row.ours = quantile(latencies, share) * 1000;
    row.peer = script_time(server, count / 5, share);
    row.ratio = row.ours / row.peer;
    row.ok = true;
    add(rows, row);
  }
}

void throughput(std::vector<Row>& rows, const RedisServer& server, const std::string& fsync,
                std::uint64_t count) {
  set(server, "appendfsync", fsync);
  add(rows, compare(
                row_of("leases, appendfsync " + fsync, "1/s", kPeer, Target::at_least(3)), kRounds,
                [&] { return our_rate(server, count); }, [&] { return script_rate(server, count / 10); }));
  add(rows,
      compare(
          row_of("leases, appendfsync " + fsync, "1/s", "redis-benchmark SET -P 256", Target::at_least(0.5)),
          kRounds, [&] { return our_rate(server, count); }, [&] { return set_rate(server, count); }));
  add(rows,
      compare(
          row_of("leases of numbers lent before, " + fsync, "1/s", kPeer), kRounds,
          [&] { return again_rate(server, count / 4); }, [&] { return script_rate(server, count / 10); }));
  times(rows, server, fsync, count / 50);
  over_grpc(rows, server, fsync, count / 10);
}

void replica(std::vector<Row>& rows) {
  const RedisServer master({"--appendfsync", "everysec"});
  const RedisServer copy({"--appendfsync", "everysec", "--replicaof",
                          "127.0.0.1 " + std::to_string(master.tcp_endpoint().port)});
  while (master.command({"WAIT", "1", "100"}).integer < 1) continue;
  add(rows, compare(
                row_of("leases, replica and WAIT 1", "1/s", "one script a lease and WAIT 1"), kRounds,
                [&] { return our_rate(master, 50'000, 1); },
                [&] { return script_rate(master, 2'000, nullptr, true); }));
  times(rows, master, "replica and WAIT 1", 1'000, true);
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
    client.run({"HGETALL", redis::lease_key_of_block(kPool, std::stoull(blocks->element[i]->str))});
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return taken.count();
}

void fill(const RedisServer& server, std::uint64_t count) {
  clear(server);
  set(server, "appendfsync", "no");
  StoreWorld world(server);
  lend_all(world, {.count = count, .depth = kDepth});
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
    const std::string what = "recovery of " + std::to_string(count) + " leases";
    add(rows, compare(
                  row_of(what, "s", "HGETALL one by one, thrown away"), kRounds,
                  [&] { return reload(server, count); }, [&] { return read_one_by_one(server); }));
    if (count == 1'000'000U) add(rows, limit_row(row_of(what, "s", "the limit"), rows.back().ours, 3));
  }
}

/// Memory for each of so many leases that are made as they are by `change`.
double bytes_each(std::uint64_t count, const std::function<void(pool::LeaseRecord&)>& change = {}) {
  const RedisServer server({"--appendonly", "no"});
  StoreWorld world(server);
  const double empty = used_memory(server);  // with the function library
  lend_all(world, {.count = count, .depth = kDepth, .change = change});
  return (used_memory(server) - empty) / static_cast<double>(count);
}

void bytes(std::vector<Row>& rows) {
  v1::VisitAttributes attributes;
  attributes.set_utm_source("google");
  attributes.set_utm_medium("cpc");
  attributes.set_utm_campaign("spring sale 2026");
  attributes.set_landing_page("https://shop.example/coffee");
  (*attributes.mutable_click_ids())["gclid"] = "Cj0KCQiA5aWOBhDMARIsAIXLlkfzVd2X";
  const std::string serialized = attributes.SerializeAsString();
  const auto add_row = [&rows](const std::string& what, double ours) {
    add(rows, limit_row(row_of(what, "B", "the limit"), ours, 200));
  };
  add_row("memory of a live lease, 100 000 of them", bytes_each(100'000));
  add_row("memory of a live lease, 1 000 000 of them", bytes_each(1'000'000));
  add_row("the same with a visitor id, 100 000",
          bytes_each(100'000, [](pool::LeaseRecord& record) { record.visitor_id = record.visit_id; }));
  rows.back().target = {};
  add_row("the same with five attributes, 100 000",
          bytes_each(100'000, [&](pool::LeaseRecord& record) { record.attributes = serialized; }));
  rows.back().target = {};
}

void events(std::vector<Row>& rows, const RedisServer& server) {
  set(server, "appendfsync", "everysec");
  constexpr int kCalls = 10'000;
  add(rows,
      compare(
          row_of("call events into the log, appendfsync everysec", "1/s", "XADD alone, each waited for"),
          kRounds, [&] { return call_events_per_second(server, kCalls); },
          [&] { return plain_events_per_second(server, kCalls); }));
}

/// All parts, or the one of that name.
std::vector<Row> measure(const std::string& only) {
  std::vector<Row> rows;
  const auto wanted = [&only](const std::string& part) { return only.empty() || only == part; };
  {
    const RedisServer server;
    if (wanted("everysec")) throughput(rows, server, "everysec", 100'000);
    if (wanted("always")) throughput(rows, server, "always", 30'000);
    if (wanted("events")) events(rows, server);
    if (wanted("recovery")) recovery(rows, server);
  }
  if (wanted("replica")) replica(rows);
  if (wanted("memory")) bytes(rows);
  return rows;
}

}  // namespace
}  // namespace ringtrace::bench

int main(int argc, char** argv) {
  using namespace ringtrace::bench;
  if (argc > 2 && std::string_view(argv[1]) == "--serve") return serve({argv + 2, argv + argc});
  // --part everysec, always, events, recovery, replica or memory: that one alone.
  const bool part = argc > 2 && std::string_view(argv[1]) == "--part";
  return part ? report(argc - 2, argv + 2, measure(argv[2])) : report(argc, argv, measure({}));
}
