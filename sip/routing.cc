#include "sip/routing.h"

#include <algorithm>
#include <type_traits>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::chrono::minutes kLeastTimerC{3};

std::string check_times(const ProxyTimes& times) {
  if (times.no_provisional < std::chrono::milliseconds{100}) return "no_provisional must be at least 100 ms";
  if (times.ring_timeout < std::chrono::seconds{1}) return "ring_timeout must be at least 1 s";
  if (times.timer_c <= kLeastTimerC) return "timer_c must be more than 3 minutes (RFC 3261 section 16.6)";
  if (times.maximum_call < std::chrono::minutes{1}) return "maximum_call must be at least 1 minute";
  return {};
}

// The places of a target: its address, or those its name led to last.
std::vector<Place> places_of(const Target& target, const Reachability& peers) {
  if (const auto hop = target.numeric()) return {Place(hop->endpoint)};
  const auto found = peers.addresses.find(target);
  return found == peers.addresses.end() ? std::vector<Place>{} : found->second;
}

// Puts the one whose turn it is to the front of each priority: drawn by weight, as RFC 2782 draws; then the
// next of those left, until all have their place.
template <typename Item>
void draw(std::vector<Item>& items, const RandomSource& random) {
  const auto rank = [](const Item& item) -> const auto& {
    if constexpr (std::is_pointer_v<Item>) {
      return *item;
    } else {
      return item;
    }
  };
  for (auto first = items.begin(); first != items.end(); ++first) {
    std::uint64_t total = 0;
    auto last = first;
    for (; last != items.end() && rank(*last).priority == rank(*first).priority; ++last)
      total += rank(*last).weight;
    if (last - first < 2 || total == 0) continue;
    std::uint64_t ticket = random() % total;
    auto chosen = first;
    while (ticket >= rank(*chosen).weight) ticket -= rank(*chosen++).weight;
    std::rotate(first, chosen, chosen + 1);
  }
}

bool takes(const Trunk& trunk, Transport transport) {
  return trunk.transports.empty() ||
         std::find(trunk.transports.begin(), trunk.transports.end(), transport) != trunk.transports.end();
}

// The narrowest block of the trunk around the address; nothing when none contains it.
std::optional<unsigned> narrowest_block(const Trunk& trunk, const IpAddress& address) {
  std::optional<unsigned> longest;
  for (const Cidr& block : trunk.addresses) {
    if (block.contains(address) && (!longest || block.prefix_length() > *longest))
      longest = block.prefix_length();
  }
  return longest;
}

}  // namespace

std::string contact_user_of(const Signer& signer, std::string_view trunk) {
  return "rt" + to_hex(signer.sign64({"ringtrace contact 1", trunk}));
}

Routing::Routing(const ProxyConfig& config)
    : signer_(config.signing_key), times_(config.times), limits_(config.limits) {}

std::variant<std::shared_ptr<const Routing>, std::string> Routing::compile(const ProxyConfig& config,
                                                                           const Reachability& peers) {
  if (config.signing_key.size() < Signer::kMinimumKey)
    return std::string("the signing key is shorter than 16 bytes");
  std::shared_ptr<Routing> routing(new Routing(config));
  routing->down_ = peers.down;
  std::string error = check_times(config.times);
  if (error.empty()) error = routing->add_trunks(config, peers);
  if (error.empty()) error = routing->add_line_groups(config, peers);
  if (error.empty()) error = routing->add_pools_and_headers(config);
  if (!error.empty()) return error;
  return std::shared_ptr<const Routing>(std::move(routing));
}

std::string Routing::add_trunks(const ProxyConfig& config, const Reachability& peers) {
  for (const TrunkConfig& trunk : config.trunks) {
    if (std::string problem = add_trunk(trunk, peers); !problem.empty())
      return "trunk '" + trunk.name + "'" + problem;
  }
  return {};
}

std::string Routing::add_trunk(const TrunkConfig& trunk, const Reachability& peers) {
  if (trunk.addresses.empty() && !trunk.registration) return " has no address";
  Trunk checked;
  checked.name = trunk.name;
  checked.transports = trunk.transports;
  checked.is_trusted = trunk.is_trusted;
  checked.dialed_from = trunk.dialed_from;
  if (checked.dialed_from.empty()) checked.dialed_from.push_back({});
  for (const std::string& text : trunk.addresses) {
    const auto block = Cidr::parse(text);
    if (!block) return ": '" + text + "' is no address or block of addresses";
    checked.addresses.push_back(*block);
  }
  auto reader = NumberReader::compile(trunk.numbers);
  if (const auto* problem = std::get_if<std::string>(&reader)) return ": " + *problem;
  checked.numbers = std::get<NumberReader>(std::move(reader));
  if (trunk.registration) {
    checked.contact_user = contact_user_of(signer_, trunk.name);
    for (const Target& registrar : trunk.registration->registrars) {
      for (const Place& place : places_of(registrar, peers))
        checked.addresses.push_back(*Cidr::parse(place.endpoint.address.to_string()));
    }
  }
  if (trunk.emergency_line) {
    checked.emergency_line = trunk.emergency_line->numeric();
    if (!checked.emergency_line || !checked.emergency_line->endpoint.address.is_unicast())
      return ": its emergency line '" + trunk.emergency_line->to_string() + "' is no address of one host";
    note_line(*checked.emergency_line, trunk.is_emergency_line_trusted);
  }
  trunks_.push_back(std::move(checked));
  return {};
}

std::string Routing::add_line_groups(const ProxyConfig& config, const Reachability& peers) {
  const bool all_have_emergency_lines =
      std::all_of(trunks_.begin(), trunks_.end(), [](const Trunk& trunk) { return trunk.emergency_line; });
  for (const LineGroupConfig& group : config.line_groups) {
    if (group.lines.empty() && !all_have_emergency_lines)
      return "line group '" + group.name + "' has no line";
    if (group.lines.size() > kMaximumLines) return "line group '" + group.name + "' has more than 64 lines";
    Group checked{group.name, {}, group.ring_timeout, group.next_after_ring_timeout};
    if (checked.ring_timeout.count() == 0) checked.ring_timeout = times_.ring_timeout;
    for (const LineConfig& line : group.lines) {
      if (std::string problem = add_line(line, peers, checked); !problem.empty())
        return "line '" + line.name + "': " + problem;
    }
    std::stable_sort(checked.lines.begin(), checked.lines.end(),
                     [](const GroupLine& a, const GroupLine& b) { return a.priority < b.priority; });
    groups_.push_back(std::move(checked));
  }
  const Group* group = find_group(config.default_line_group);
  if (group == nullptr) return "the default line group '" + config.default_line_group + "' does not exist";
  default_group_ = static_cast<std::size_t>(group - groups_.data());
  return {};
}

std::string Routing::add_line(const LineConfig& line, const Reachability& peers, Group& group) {
  const Target target{line.transport, line.host, line.port};
  const auto address = IpAddress::parse(line.host);
  if (address ? !address->is_unicast() : !is_host_name(line.host))
    return "'" + line.host + "' is neither the address of one host nor a name";
  if (line.weight == 0 || line.weight > 65535) return "the weight must be within 1..65535";
  GroupLine checked{line.name, {}, line.priority, line.weight};
  for (const Place& place : places_of(target, peers)) {
    checked.hops.push_back({{line.transport, place.endpoint}, place.priority, place.weight});
    note_line({line.transport, place.endpoint}, line.is_trusted);
  }
  group.lines.push_back(std::move(checked));
  return {};
}

void Routing::note_line(const Hop& hop, bool is_trusted) {
  line_addresses_.insert(hop.endpoint.address);
  const auto known = line_trust_.try_emplace(hop, true).first;
  known->second = known->second && is_trusted;
}

std::string Routing::add_pools_and_headers(const ProxyConfig& config) {
  for (const auto& [pool, name] : config.pool_line_groups) {
    const Group* group = find_group(name);
    if (group == nullptr) return "pool '" + pool + "': the line group '" + name + "' does not exist";
    pool_groups_.emplace_back(pool, static_cast<std::size_t>(group - groups_.data()));
  }
  for (const HeaderConfig& header : config.headers) {
    auto parsed = HeaderTemplate::parse(header.name, header.text);
    if (auto* error = std::get_if<std::string>(&parsed)) return *error;
    headers_.push_back(std::get<HeaderTemplate>(std::move(parsed)));
  }
  return {};
}

bool Routing::is_trusted_line(const Hop& line) const {
  const auto found = line_trust_.find(line);
  return found != line_trust_.end() && found->second;
}

bool Routing::is_trusted_trunk(const IpAddress& address) const {
  std::optional<unsigned> narrowest;
  bool trusted = false;
  for (const Trunk& trunk : trunks_) {
    const auto length = narrowest_block(trunk, address);
    if (!length || length < narrowest) continue;
    trusted = trunk.is_trusted && (trusted || length > narrowest);
    narrowest = length;
  }
  return trusted;
}

bool Routing::is_trusted_peer(const Hop& peer) const {
  const bool line = is_line(peer.endpoint.address);
  const bool trunk = find_trunk(peer.endpoint.address) != nullptr;
  return (line || trunk) && (!line || is_trusted_line(peer)) &&
         (!trunk || is_trusted_trunk(peer.endpoint.address));
}

std::string_view Routing::line_at(const Hop& hop) const {
  for (const Group& group : groups_) {
    for (const GroupLine& line : group.lines) {
      const bool here = std::any_of(line.hops.begin(), line.hops.end(),
                                    [&hop](const RankedHop& place) { return place.hop == hop; });
      if (here) return line.name;
    }
  }
  return {};
}

const Routing::Group* Routing::find_group(std::string_view name) const {
  const auto found =
      std::find_if(groups_.begin(), groups_.end(), [name](const auto& g) { return g.name == name; });
  return found == groups_.end() ? nullptr : &*found;
}

const Trunk* Routing::find_trunk(const IpAddress& address) const {
  const Trunk* best = nullptr;
  unsigned best_length = 0;
  for (const Trunk& trunk : trunks_) {
    const auto length = narrowest_block(trunk, address);
    if (!length || (best != nullptr && *length <= best_length)) continue;
    best = &trunk;
    best_length = *length;
  }
  return best;
}

const Trunk* Routing::find_trunk(const Hop& source, std::string_view request_user) const {
  const Trunk* best = nullptr;
  unsigned best_length = 0;
  for (const Trunk& trunk : trunks_) {
    const auto length = narrowest_block(trunk, source.endpoint.address);
    if (!length || !takes(trunk, source.transport)) continue;
    // Two accounts at one carrier call from the same addresses: only the contact tells them apart.
    if (!trunk.contact_user.empty() && trunk.contact_user == request_user) return &trunk;
    if (best != nullptr && *length <= best_length) continue;
    best = &trunk;
    best_length = *length;
  }
  return best;
}

LineChoice Routing::lines_for(std::string_view pool, const Trunk& trunk, const RandomSource& random) const {
  const auto found =
      std::lower_bound(pool_groups_.begin(), pool_groups_.end(), pool,
                       [](const auto& entry, std::string_view name) { return entry.first < name; });
  const bool known = found != pool_groups_.end() && found->first == pool;
  const Group& group = groups_[known ? found->second : default_group_];

  std::vector<const GroupLine*> order;
  for (const GroupLine& line : group.lines) order.push_back(&line);
  draw(order, random);

  LineChoice choice{{}, group.ring_timeout, group.next_after_ring_timeout};
  for (const GroupLine* line : order) {
    std::vector<RankedHop> hops = line->hops;
    draw(hops, random);
    for (const RankedHop& place : hops) choice.lines.push_back({line->name, place.hop});
  }
  // Whoever is down is still tried when nobody else answers: our knowledge may be old.
  std::stable_partition(choice.lines.begin(), choice.lines.end(),
                        [this](const Line& line) { return !down_.contains(line.hop); });
  if (choice.lines.size() >= kMaximumLines) choice.lines.resize(kMaximumLines - 1);
  if (trunk.emergency_line) choice.lines.push_back({"emergency", *trunk.emergency_line});
  return choice;
}

}  // namespace ringtrace::sip
