#include "sip/routing.h"

#include <algorithm>

namespace ringtrace::sip {
namespace {

constexpr std::size_t kMaximumLines = 64;
constexpr std::chrono::minutes kLeastTimerC{3};

std::string check_times(const ProxyTimes& times) {
  if (times.no_provisional < std::chrono::milliseconds{100}) return "no_provisional must be at least 100 ms";
  if (times.ring_timeout < std::chrono::seconds{1}) return "ring_timeout must be at least 1 s";
  if (times.timer_c <= kLeastTimerC) return "timer_c must be more than 3 minutes (RFC 3261 section 16.6)";
  if (times.maximum_call < std::chrono::minutes{10}) return "maximum_call must be at least 10 minutes";
  return {};
}

}  // namespace

Routing::Routing(const ProxyConfig& config)
    : signer_(config.signing_key), times_(config.times), limits_(config.limits) {}

std::variant<std::shared_ptr<const Routing>, std::string> Routing::compile(const ProxyConfig& config) {
  if (config.signing_key.size() < Signer::kMinimumKey)
    return std::string("the signing key is shorter than 16 bytes");
  std::shared_ptr<Routing> routing(new Routing(config));
  std::string error = check_times(config.times);
  if (error.empty()) error = routing->add_trunks(config);
  if (error.empty()) error = routing->add_line_groups(config);
  if (error.empty()) error = routing->add_pools_and_headers(config);
  if (!error.empty()) return error;
  return std::shared_ptr<const Routing>(std::move(routing));
}

std::string Routing::add_trunks(const ProxyConfig& config) {
  for (const TrunkConfig& trunk : config.trunks) {
    if (trunk.addresses.empty()) return "trunk '" + trunk.name + "' has no address";
    Trunk checked{trunk.name, {}, trunk.numbers};
    for (const std::string& text : trunk.addresses) {
      const auto block = Cidr::parse(text);
      if (!block) return "trunk '" + trunk.name + "': '" + text + "' is no address or block of addresses";
      checked.addresses.push_back(*block);
    }
    trunks_.push_back(std::move(checked));
  }
  return {};
}

std::string Routing::add_line_groups(const ProxyConfig& config) {
  for (const LineGroupConfig& group : config.line_groups) {
    if (group.lines.empty()) return "line group '" + group.name + "' has no line";
    if (group.lines.size() > kMaximumLines) return "line group '" + group.name + "' has more than 64 lines";
    LineGroup checked{group.name, {}};
    for (const LineConfig& line : group.lines) {
      const auto address = IpAddress::parse(line.host);
      if (!address || !address->is_unicast()) {
        return "line '" + line.name + "': '" + line.host + "' is no numeric address of one host";
      }
      if (line.port == 0) return "line '" + line.name + "': the port must be within 1..65535";
      if (line.weight == 0 || line.weight > 65535)
        return "line '" + line.name + "': the weight must be within 1..65535";
      line_addresses_.insert(*address);
      checked.lines.push_back(
          {line.name, {line.transport, {*address, line.port}}, line.priority, line.weight});
    }
    std::stable_sort(checked.lines.begin(), checked.lines.end(),
                     [](const Line& a, const Line& b) { return a.priority < b.priority; });
    groups_.push_back(std::move(checked));
  }
  const LineGroup* group = find_group(config.default_line_group);
  if (group == nullptr) return "the default line group '" + config.default_line_group + "' does not exist";
  default_group_ = static_cast<std::size_t>(group - groups_.data());
  return {};
}

std::string Routing::add_pools_and_headers(const ProxyConfig& config) {
  for (const auto& [pool, name] : config.pool_line_groups) {
    const LineGroup* group = find_group(name);
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

const LineGroup* Routing::find_group(std::string_view name) const {
  const auto found =
      std::find_if(groups_.begin(), groups_.end(), [name](const auto& g) { return g.name == name; });
  return found == groups_.end() ? nullptr : &*found;
}

const Trunk* Routing::find_trunk(const IpAddress& address) const {
  const Trunk* best = nullptr;
  unsigned best_length = 0;
  for (const Trunk& trunk : trunks_) {
    for (const Cidr& block : trunk.addresses) {
      if (!block.contains(address)) continue;
      if (best != nullptr && block.prefix_length() <= best_length) continue;
      best = &trunk;
      best_length = block.prefix_length();
    }
  }
  return best;
}

std::vector<Line> Routing::lines_for(std::string_view pool, const RandomSource& random) const {
  const auto found =
      std::lower_bound(pool_groups_.begin(), pool_groups_.end(), pool,
                       [](const auto& entry, std::string_view name) { return entry.first < name; });
  const bool known = found != pool_groups_.end() && found->first == pool;
  std::vector<Line> lines = groups_[known ? found->second : default_group_].lines;

  for (auto first = lines.begin(); first != lines.end(); ++first) {
    std::uint64_t total = 0;
    auto last = first;
    for (; last != lines.end() && last->priority == first->priority; ++last) total += last->weight;
    if (last - first < 2) continue;
    std::uint64_t draw = random() % total;
    auto chosen = first;
    while (draw >= chosen->weight) draw -= (chosen++)->weight;
    std::iter_swap(first, chosen);
  }
  return lines;
}

}  // namespace ringtrace::sip
