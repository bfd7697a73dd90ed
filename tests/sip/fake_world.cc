#include "tests/sip/fake_world.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace ringtrace::sip::test {
namespace {

std::string with_tag(const Message& request, const std::string& tag) {
  const std::string to = header(request.to_string(), "To");
  return to.find(";tag=") == std::string::npos && !tag.empty() ? to + ";tag=" + tag : to;
}

std::string routes_of(const std::vector<std::string>& record_routes) {
  std::string text;
  for (const std::string& route : record_routes) text += "Route: " + route + "\r\n";
  return text;
}

std::string uri_in(const std::string& value) {
  const std::size_t open = value.find('<');
  return value.substr(open + 1, value.find('>') - open - 1);
}

std::string request(const std::string& method, const std::string& uri, const std::string& via,
                    const std::string& routes, const std::string& from, const std::string& to,
                    const std::string& call_id, int cseq) {
  return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + via + "\r\nMax-Forwards: 70\r\n" + routes +
         "From: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) +
         " " + method + "\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

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
  REQUIRE(sent.message.is_well_formed());
  sent_.push_back(std::move(sent));
  return true;
}

v1::Resolution FakeWorld::attribute(const pool::ResolveQuery& query) {
  queries.push_back(query);
  return resolution;
}

std::string invite(const InviteOptions& options) {
  return "INVITE " + options.uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=" + options.branch +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:+79161234567@carrier.example>;tag=caller-tag\r\nTo: <" +
         options.uri + ">\r\nCall-ID: " + options.call_id + "\r\nCSeq: " + std::to_string(options.cseq) +
         " INVITE\r\nContact: <sip:caller@192.0.2.10:5060>\r\n" + options.extra +
         "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
}

std::string cancel(const InviteOptions& options) {
  return request("CANCEL", options.uri, "192.0.2.10:5060;branch=" + options.branch, "",
                 "<sip:+79161234567@carrier.example>;tag=caller-tag", "<" + options.uri + ">",
                 options.call_id, options.cseq);
}

std::string ack_failure(const InviteOptions& options, const Message& response) {
  return request("ACK", options.uri, "192.0.2.10:5060;branch=" + options.branch, "",
                 "<sip:+79161234567@carrier.example>;tag=caller-tag", header(response.to_string(), "To"),
                 options.call_id, options.cseq);
}

std::string respond_to(const Message& request, int status, const std::string& to_tag) {
  const std::string text = request.to_string();
  std::string response = "SIP/2.0 " + std::to_string(status) + " Reason\r\n";
  for (const std::string& via : headers(text, "Via")) response += "Via: " + via + "\r\n";
  if (status > 100 && status < 300) {
    for (const std::string& route : headers(text, "Record-Route"))
      response += "Record-Route: " + route + "\r\n";
  }
  response += "From: " + header(text, "From") + "\r\nTo: " + with_tag(request, status == 100 ? "" : to_tag);
  response += "\r\nCall-ID: " + header(text, "Call-ID") + "\r\nCSeq: " + header(text, "CSeq") + "\r\n";
  if (request.method() == Method::kInvite) response += "Contact: <sip:desk@198.51.100.1:5070>\r\n";
  return response + "Content-Length: 0\r\n\r\n";
}

std::string caller_request(const std::string& method, const Message& answer, const std::string& branch,
                           int cseq) {
  const std::string text = answer.to_string();
  auto routes = headers(text, "Record-Route");
  std::reverse(routes.begin(), routes.end());
  return request(method, uri_in(header(text, "Contact")), "192.0.2.10:5060;branch=" + branch,
                 routes_of(routes), header(text, "From"), header(text, "To"), header(text, "Call-ID"), cseq);
}

std::string line_request(const std::string& method, const Message& invited, const std::string& branch,
                         int cseq, const std::string& line_tag) {
  const std::string text = invited.to_string();
  return request(method, uri_in(header(text, "Contact")), "198.51.100.1:5060;branch=" + branch,
                 routes_of(headers(text, "Record-Route")), header(text, "To") + ";tag=" + line_tag,
                 header(text, "From"), header(text, "Call-ID"), cseq);
}

std::vector<std::string> headers(const std::string& text, const std::string& name) {
  std::vector<std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line != "\r";) {
    if (line.rfind(name + ": ", 0) != 0) continue;
    line.pop_back();
    values.push_back(line.substr(name.size() + 2));
  }
  return values;
}

std::string header(const std::string& text, const std::string& name) {
  const auto values = headers(text, name);
  return values.empty() ? std::string{} : values.front();
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\r')); }

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
