#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "sip/call_id.h"
#include "sip/config.h"
#include "sip/header_template.h"
#include "sip/signature.h"

namespace ringtrace::sip {

struct Trunk {
  std::string name;
  std::vector<Cidr> addresses;
  NumberPlan numbers;
};

struct Line {
  std::string name;
  Hop hop;
  std::uint32_t priority = 0;
  std::uint32_t weight = 1;
};

struct LineGroup {
  std::string name;
  std::vector<Line> lines;
};

/// The checked configuration: who may call, where calls go, what is signed and added. Immutable, so that a
/// reload is the swap of one pointer and a call under way keeps the one it began with.
class Routing {
 public:
  /// The error is a sentence that names the wrong value.
  static std::variant<std::shared_ptr<const Routing>, std::string> compile(const ProxyConfig& config);

  /// The trunk an address belongs to, the narrowest block first; null for a stranger.
  const Trunk* find_trunk(const IpAddress& address) const;
  bool is_line(const IpAddress& address) const { return line_addresses_.contains(address); }
  /// The lines for a call of this pool, best first: by priority, within one priority drawn by weight.
  std::vector<Line> lines_for(std::string_view pool, const RandomSource& random) const;

  const Signer& signer() const { return signer_; }
  const std::vector<HeaderTemplate>& headers() const { return headers_; }
  const ProxyTimes& times() const { return times_; }
  const ProxyLimits& limits() const { return limits_; }

 private:
  explicit Routing(const ProxyConfig& config);
  std::string add_trunks(const ProxyConfig& config);
  std::string add_line_groups(const ProxyConfig& config);
  std::string add_pools_and_headers(const ProxyConfig& config);
  const LineGroup* find_group(std::string_view name) const;

  Signer signer_;
  ProxyTimes times_;
  ProxyLimits limits_;
  std::vector<Trunk> trunks_;
  std::vector<LineGroup> groups_;
  std::size_t default_group_ = 0;
  std::vector<std::pair<std::string, std::size_t>> pool_groups_;  ///< sorted by pool
  std::unordered_set<IpAddress> line_addresses_;
  std::vector<HeaderTemplate> headers_;
};

}  // namespace ringtrace::sip
