#include "tests/sip/fake_world.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip::test {
ProxyConfig FakeWorld::default_config() {
  ProxyConfig config;
  config.listen = {{"198.18.0.1", 5060, Transport::kUdp, ""}};
  config.trunks = {{.name = "carrier", .addresses = {"192.0.2.0/24"}}};
  config.line_groups = {{.name = "office",
                         .lines = {{"one", "198.51.100.1", 5060, Transport::kUdp, 0, 1},
                                   {"two", "198.51.100.2", 5060, Transport::kUdp, 1, 1}}}};
  config.default_line_group = "office";
  config.headers = {{"x-roistat", "{visit_id}"}};
  config.signing_key = "0123456789abcdef0123456789abcdef";
  return config;
}

FakeWorld::FakeWorld(ProxyConfig config) : config_(std::move(config)) {
  now = {SteadyTime{} + std::chrono::hours(1), WallTime{std::chrono::milliseconds(1'700'000'000'000)}};
  resolution.set_method(v1::RESOLUTION_METHOD_ACTIVE_LEASE);
  resolution.mutable_visit()->set_visit_id("visit 7");
  resolution.set_source("google/cpc");
  resolution.set_pool("pools/main");
  restart();
}

void FakeWorld::restart() {
  auto routing = Routing::compile(config_);
  REQUIRE(std::holds_alternative<std::shared_ptr<const Routing>>(routing));
  std::vector<Listener> listeners;
  for (const ListenConfig& listen : config_.listen) {
    listeners.push_back({listen.transport, {*IpAddress::parse(listen.host), listen.port}});
  }
  const auto random = [this] {
    // splitmix64
    std::uint64_t z = (seed_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  };
  core = std::make_unique<ProxyCore>(*this, *this, *this, stats, random, listeners,
                                     std::get<std::shared_ptr<const Routing>>(routing), now);
}

void FakeWorld::receive(const Hop& from, const std::string& text) {
  core->receive(Message::parse(text), {from, 0}, now);
}

void FakeWorld::receive_datagram(const Hop& from, const std::string& text, std::chrono::milliseconds waited) {
  core->receive_datagram(text, {from, 0, waited}, now);
}

void FakeWorld::advance(std::chrono::milliseconds time) {
  const auto end = now.steady + time;
  while (now.steady < end) {
    const auto step = std::min<std::chrono::nanoseconds>(TimerQueue::kTick, end - now.steady);
    now.steady += step;
    now.wall += std::chrono::duration_cast<std::chrono::milliseconds>(step);
    core->tick(now);
  }
}

Sent FakeWorld::next() {
  REQUIRE_FALSE(sent_.empty());
  Sent sent = std::move(sent_.front());
  sent_.pop_front();
  return sent;
}

bool FakeWorld::send(const Message& message, std::size_t, const Hop& to) {
  for (const Hop& hop : dead) {
    if (hop == to) return false;
  }
  Sent sent{to, {}, message.to_string()};
  sent.message = Message::parse(sent.text);
  // What is answered to a broken request is as broken as the request.
  REQUIRE((sent.message.is_well_formed() || sent.text.starts_with("SIP/2.0 4")));
  sent_.push_back(std::move(sent));
  return true;
}

v1::Resolution FakeWorld::attribute(const pool::ResolveQuery& query) {
  queries.push_back(query);
  return resolution;
}

Established establish(FakeWorld& world, const InviteOptions& options) {
  world.receive(kTrunkHop, invite(options));
  REQUIRE(world.next().message.status() == 100);
  Established call;
  call.invited = world.next();
  world.receive(call.invited.to, respond_to(call.invited.message, 180));
  REQUIRE(world.next().message.status() == 180);
  world.receive(call.invited.to, respond_to(call.invited.message, 200));
  call.answer = world.next();
  REQUIRE(call.answer.message.status() == 200);
  world.receive(kTrunkHop, caller_request("ACK", call.answer.message, options.branch + "-ack", options.cseq));
  const Sent ack = world.next();
  REQUIRE(first_line(ack.text).substr(0, 4) == "ACK ");
  return call;
}

}  // namespace ringtrace::sip::test
