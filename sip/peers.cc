#include "sip/peers.h"

#include <spdlog/spdlog.h>

#include <set>
#include <utility>

#include "sip/proxy_environment.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::chrono::seconds kReportInterval{1};

Target target_of(const LineConfig& line) { return {line.transport, line.host, line.port}; }

bool same_account(const TrunkConfig& trunk, const Registration& registration) {
  return trunk.registration && *trunk.registration == registration.config();
}

}  // namespace

Peers::Peers(MessageSender& sender, std::vector<Listener> listeners, RandomSource random, Post post,
             PeerBoard& board, SteadyTime now)
    : random_(random),
      post_(std::move(post)),
      board_(board),
      requests_(sender, std::move(listeners), random, now),
      health_(random),
      now_(now),
      self_(std::make_shared<Peers*>(this)) {}

Peers::~Peers() { *self_ = nullptr; }

void Peers::configure(const ProxyConfig& config, SteadyTime now) {
  config_ = config;
  const Signer signer(config.signing_key);
  std::set<Target> names;
  std::set<std::string> registered;
  const auto note = [&names](const Target& target) {
    if (!target.numeric()) names.insert(target);
  };
  for (const LineGroupConfig& group : config.line_groups) {
    for (const LineConfig& line : group.lines) note(target_of(line));
  }
  for (const TrunkConfig& trunk : config.trunks) {
    if (!trunk.registration) continue;
    for (const Target& registrar : trunk.registration->registrars) note(registrar);
    registered.insert(trunk.name);
    Account& account = accounts_[trunk.name];
    if (account.registration && same_account(trunk, *account.registration)) continue;
    account.contact_user = contact_user_of(signer, trunk.name);
    account.registration =
        std::make_unique<Registration>(*trunk.registration, account.contact_user, random_, now);
  }
  std::erase_if(accounts_, [&](const auto& entry) { return !registered.contains(entry.first); });
  names_.watch(names, config.dns.longest, config.dns.remembered, now);
  if (!names.empty() && (!dns_ || dns_servers_ != config.dns.servers)) {
    dns_ = std::make_unique<DnsClient>(config.dns.servers);
    dns_servers_ = config.dns.servers;
    names_.ask_again(now);
    if (dns_->problem()) spdlog::error("event=dns problem=\"{}\"", *dns_->problem());
  }
  known_.addresses = names_.places();
  watch_lines(now);
  publish(now);
}

std::vector<Hop> Peers::places_of(const std::vector<Target>& targets) const {
  std::vector<Hop> hops;
  for (const Target& target : targets) {
    if (const auto hop = target.numeric()) hops.push_back(*hop);
    const auto found = names_.places().find(target);
    if (found == names_.places().end()) continue;
    for (const Place& place : found->second) hops.push_back({target.transport, place.endpoint});
  }
  return hops;
}

std::map<Endpoint, std::vector<std::string>> Peers::names() const {
  std::map<Endpoint, std::vector<std::string>> names;
  for (const auto& [target, places] : names_.places()) {
    if (target.transport != Transport::kTls) continue;
    for (const Place& place : places) names[place.endpoint].push_back(target.host);
  }
  return names;
}

void Peers::watch_lines(SteadyTime now) {
  std::set<Hop> lines;
  for (const LineGroupConfig& group : config_.line_groups) {
    for (const LineConfig& line : group.lines) {
      for (const Hop& hop : places_of({target_of(line)})) lines.insert(hop);
    }
  }
  health_.watch(lines, config_.health, now);
  if (known_.down != health_.down()) changed_ = true;
  known_.down = health_.down();
}

void Peers::transport_failed(const Hop& hop, SteadyTime now) {
  requests_.transport_failed(hop);
  health_.suspect(hop, now);
}

bool Peers::tick(SteadyTime now) {
  now_ = now;
  requests_.tick(now);
  ask_names(now);
  ask_lines(now);
  register_accounts(now);
  if (changed_ || now >= next_report_) publish(now);
  return std::exchange(changed_, false);
}

void Peers::ask_names(SteadyTime now) {
  for (const Target& name : names_.due(now)) {
    dns_->ask(name, [self = self_, post = post_, name](NameAnswer answer) {
      // On the DNS thread: whether there still is anybody to tell is seen on the SIP thread.
      post([self, name, answer = std::move(answer)] {
        if (*self == nullptr) return;
        Peers& peers = **self;
        if (answer.places.empty()) spdlog::warn("event=dns name={} result=none", name.to_string());
        if (!peers.names_.told(name, answer, peers.now_)) return;
        spdlog::info("event=dns name={} places={}", name.to_string(), answer.places.size());
        peers.known_.addresses = peers.names_.places();
        peers.changed_ = true;
        peers.watch_lines(peers.now_);
      });
    });
  }
}

void Peers::ask_lines(SteadyTime now) {
  for (const Hop& line : health_.due(now)) {
    const std::string host = line.endpoint.to_string() + std::string(transport_parameter(line.transport));
    OwnRequest options;
    options.method = "OPTIONS";
    options.uri = "sip:" + host;
    options.from = "<sip:ringtrace@ringtrace.invalid>;tag=" + to_hex(random_());
    options.to = "<sip:" + host + ">";
    options.call_id = to_hex(random_()) + "@ringtrace";
    options.headers = {"Contact: <sip:ringtrace@" + contact_at(line) + ">", "Accept: application/sdp",
                       "User-Agent: Ringtrace"};
    requests_.send(
        line, options, config_.health.timeout,
        [this, line](const Message* response) {
          const bool was_down = health_.down().contains(line);
          health_.told(line, response != nullptr && shows_life(response->status()), now_);
          const bool down = health_.down().contains(line);
          if (down == was_down) return;
          spdlog::warn("event=line_{} place={}", down ? "down" : "up", line.to_string());
          known_.down = health_.down();
          changed_ = true;
        },
        now);
  }
}

void Peers::register_accounts(SteadyTime now) {
  for (auto& [trunk, account] : accounts_) {
    Registration& registration = *account.registration;
    const RegistrationState before = registration.status().state;
    const auto attempt = registration.due(
        places_of(registration.config().registrars), [this](const Hop& hop) { return contact_at(hop); }, now);
    if (registration.status().state != before) {
      spdlog::warn("event=registration trunk={} state={}", trunk,
                   registration_state_name(registration.status().state));
    }
    if (!attempt) continue;
    requests_.send(
        attempt->registrar, attempt->request, Registration::kPatience,
        [this, name = trunk, call_id = attempt->request.call_id](const Message* response) {
          // The account may have been taken out of the configuration, or changed, meanwhile.
          const auto found = accounts_.find(name);
          if (found == accounts_.end() || !found->second.registration->has_call_id(call_id)) return;
          Registration& answered = *found->second.registration;
          const RegistrationState was = answered.status().state;
          answered.answered(response, now_);
          if (answered.status().state == was) return;
          spdlog::info("event=registration trunk={} state={} status={}", name,
                       registration_state_name(answered.status().state), answered.status().last_status);
        },
        now);
  }
}

std::string Peers::contact_at(const Hop& hop) const {
  const auto& listeners = requests_.listeners();
  const auto listener = find_listener(listeners, hop, listeners.size());
  if (!listener) return {};
  return listeners[*listener].advertised.to_string() + std::string(transport_parameter(hop.transport));
}

void Peers::publish(SteadyTime now) {
  next_report_ = now + kReportInterval;
  PeerReport report;
  report.dns_failures = names_.failures();
  report.names = names_.places();
  for (const TrunkConfig& trunk : config_.trunks) {
    TrunkReport& entry = report.trunks.emplace_back();
    entry.name = trunk.name;
    const auto found = accounts_.find(trunk.name);
    if (found == accounts_.end()) continue;
    const RegistrationStatus& status = found->second.registration->status();
    entry.registers = true;
    entry.state = status.state;
    if (status.registrar) entry.registrar = status.registrar->to_string();
    entry.last_status = status.last_status;
    entry.refreshes = status.refreshes;
    entry.failures = status.failures;
    if (status.state == RegistrationState::kRegistered && status.expires > now)
      entry.expires_in = std::chrono::duration_cast<std::chrono::seconds>(status.expires - now);
  }
  for (const LineGroupConfig& group : config_.line_groups) {
    for (const LineConfig& line : group.lines) {
      const std::vector<Hop> places = places_of({target_of(line)});
      for (const Hop& hop : places)
        report.lines.push_back({group.name, line.name, hop.to_string(), !known_.down.contains(hop)});
      if (places.empty()) report.lines.push_back({group.name, line.name, "", false});
    }
  }
  board_.hang(std::move(report));
}

}  // namespace ringtrace::sip
