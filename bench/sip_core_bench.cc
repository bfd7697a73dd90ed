// What a call costs inside the proxy core, without sockets: time with few and with many other calls alive,
// and memory of a live call. Virtual time; the figures are of this machine's processor alone.

#include <malloc.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/report.h"
#include "tests/sip/peer_messages.h"
#include "tests/sip/quiet_world.h"

namespace ringtrace::sip {
namespace {

const Hop kTrunk = *Hop::parse("udp:192.0.2.10:5060");

class World final : public test::QuietWorld {
 public:
  World() : QuietWorld(bench_config()) {
    resolution.set_method(v1::RESOLUTION_METHOD_ACTIVE_LEASE);
    resolution.mutable_visit()->set_visit_id("visit-1234567890");
    resolution.set_source("google/cpc");
    resolution.set_pool("pools/main");
  }
  bool send(const Message& message, std::size_t, const Hop& to) override {
    last = message;
    last_to = to;
    return true;
  }

  // Sets a call up; the texts of the peers are made before, so that what is timed is the core.
  void establish(std::uint64_t number) {
    const std::string id = std::to_string(number);
    receive(kTrunk, test::invite({.branch = "z9hG4bK-" + id, .call_id = "call-" + id}));
    const Message invited = last;
    receive(last_to, test::respond_to(invited, 180));
    receive(last_to == kTrunk ? kLine : last_to, test::respond_to(invited, 200));
    answer = Message::parse(last.to_string());
    receive(kTrunk, test::caller_request("ACK", answer, "z9hG4bK-a" + id, 1));
  }
  void hang_up(std::uint64_t number) {
    receive(kTrunk, test::caller_request("BYE", answer, "z9hG4bK-b" + std::to_string(number), 2));
    receive(kLine, test::respond_to(last, 200));
  }

  const Hop kLine = *Hop::parse("udp:198.51.100.1:5060");
  Message last;
  Hop last_to;
  Message answer;

 private:
  static ProxyConfig bench_config() {
    ProxyConfig wanted = config({"198.51.100.1"});
    wanted.limits.calls = 1'000'000;
    wanted.limits.transactions = 1'000'000;
    return wanted;
  }
};

// Microseconds a whole call (seven messages in, and the making of their texts) beside `live` others,
// transactions of the last 32 seconds included.
double microseconds_a_call(World& world, std::uint64_t& number) {
  constexpr int kCalls = 2000;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) {
    world.establish(++number);
    world.hang_up(number);
    world.advance(std::chrono::milliseconds(1));
  }
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / kCalls;
}

void fill(World& world, std::uint64_t& number, std::uint64_t calls) {
  while (world.stats.live_calls < calls) {
    world.establish(++number);
    world.advance(std::chrono::milliseconds(1));
  }
}

std::size_t heap_in_use() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

bench::Row bytes_a_live_call() {
  constexpr std::uint64_t kCalls = 50'000;
  World world;
  std::uint64_t number = 0;
  const std::size_t before = heap_in_use();
  fill(world, number, kCalls);
  for (int i = 0; i < 4000; ++i) world.advance(std::chrono::milliseconds(10));  // transactions end
  world.last = {};
  world.answer = {};
  bench::Row row;
  row.bench = "sip_core";
  row.what = "memory of a live call, at 50 000";
  row.unit = "bytes";
  row.ours = static_cast<double>(heap_in_use() - before) / kCalls;
  row.peer = 2048;
  row.peer_name = "2 KiB";
  row.ratio = row.ours / row.peer;
  row.target = bench::Target::at_most(1);
  row.ok = row.target.met(row.ratio);
  return row;
}

}  // namespace
}  // namespace ringtrace::sip

int main(int argc, char** argv) {
  using namespace ringtrace::sip;
  using ringtrace::bench::Row;
  using ringtrace::bench::Target;
  std::vector<Row> rows;
  rows.push_back(bytes_a_live_call());

  World few;
  World many;
  std::uint64_t few_number = 0;
  std::uint64_t many_number = 0;
  fill(many, many_number, 100'000);
  Row row;
  row.bench = "sip_core";
  row.what = "a call beside 100 000 others, beside the only one";
  row.unit = "us";
  row.peer_name = "the only call";
  row.target = Target::at_most(1.5);
  rows.push_back(ringtrace::bench::compare(
      row, 5, [&] { return microseconds_a_call(many, many_number); },
      [&] { return microseconds_a_call(few, few_number); }));
  return ringtrace::bench::report(argc, argv, rows);
}
