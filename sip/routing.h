#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "sip/asserted_identity.h"
#include "sip/call_id.h"
#include "sip/config.h"
#include "sip/header_template.h"
#include "sip/place.h"
#include "sip/route_ticket.h"
#include "sip/signature.h"

namespace ringtrace::sip {

struct Trunk {
  std::string name;
  std::vector<Cidr> addresses;
  NumberReader numbers;
  std::vector<DialedSource> dialed_from;
  std::vector<Transport> transports;  ///< empty: all
  std::string contact_user;           ///< what its carrier puts into the Request-URI; empty: not registered
  std::optional<Hop> emergency_line;
  bool is_trusted = true;
};

/// One place a call may be forwarded to.
struct Line {
  std::string name;
  Hop hop;
};

/// The lines of one call, best first, and how long each may ring.
struct LineChoice {
  std::vector<Line> lines;
  std::chrono::milliseconds ring_timeout{0};
  bool next_after_ring_timeout = false;
};

/// What is known of the peers at one moment: where the names lead to, and which lines are down.
struct Reachability {
  std::map<Target, std::vector<Place>> addresses;  ///< of names, best first
  std::set<Hop> down;
};

/// The checked configuration and what is known of the peers: who may call, where calls go, what is signed and
/// added. Immutable, so that a reload, a changed name or a line gone down is the swap of one pointer and a
/// call under way keeps the one it began with.
class Routing {
 public:
  /// A call is tried at no more places than this.
  static constexpr std::size_t kMaximumLines = 64;

  /// The error is a sentence that names the wrong value.
  static std::variant<std::shared_ptr<const Routing>, std::string> compile(const ProxyConfig& config,
                                                                           const Reachability& peers = {});

  /// The trunk an address belongs to, the narrowest block first; null for a stranger.
  const Trunk* find_trunk(const IpAddress& address) const;
  /// The trunk of a new call: of those with the narrowest block that take calls over this transport, the one
  /// whose contact the Request-URI's user part is, else the first.
  const Trunk* find_trunk(const Hop& source, std::string_view request_user) const;
  /// The name of the line at this place; empty when there is none.
  std::string_view line_at(const Hop& hop) const;
  bool is_line(const IpAddress& address) const { return line_addresses_.contains(address); }
  /// Every line at this place is trusted with asserted identities (RFC 3325). Not so where there is none (any
  /// more).
  bool is_trusted_line(const Hop& line) const;
  /// The same of the trunks with the narrowest block around an address.
  bool is_trusted_trunk(const IpAddress& address) const;
  /// The same of whatever is there, be it line, trunk or both.
  bool is_trusted_peer(const Hop& peer) const;
  /// Of a request from a caller to a line.
  Trust trust_of(const Hop& caller, const Hop& line) const {
    return {is_trusted_trunk(caller.endpoint.address), is_trusted_line(line)};
  }
  /// Of a request inside a dialog.
  Trust trust_of(const VerifiedTicket& request) const {
    const Trust trust = trust_of(request.ticket.caller, request.ticket.line);
    return request.from == Side::kCaller ? trust : trust.reversed();
  }
  /// The lines for a call of this pool: by priority, within one priority drawn by weight, and so the places
  /// of a line's name (RFC 2782); those that are down
  /// after the others; the trunk's emergency line last.
  LineChoice lines_for(std::string_view pool, const Trunk& trunk, const RandomSource& random) const;

  const Signer& signer() const { return signer_; }
  const std::vector<HeaderTemplate>& headers() const { return headers_; }
  const ProxyTimes& times() const { return times_; }
  const ProxyLimits& limits() const { return limits_; }

 private:
  struct RankedHop {
    Hop hop;
    std::uint32_t priority = 0;
    std::uint32_t weight = 0;
  };
  /// A line as configured: one or more places, of which one is tried after the other.
  struct GroupLine {
    std::string name;
    std::vector<RankedHop> hops;
    std::uint32_t priority = 0;
    std::uint32_t weight = 1;
  };
  struct Group {
    std::string name;
    std::vector<GroupLine> lines;  ///< by priority
    std::chrono::milliseconds ring_timeout{0};
    bool next_after_ring_timeout = false;
  };

  explicit Routing(const ProxyConfig& config);
  std::string add_trunks(const ProxyConfig& config, const Reachability& peers);
  std::string add_trunk(const TrunkConfig& trunk, const Reachability& peers);
  std::string add_line_groups(const ProxyConfig& config, const Reachability& peers);
  std::string add_line(const LineConfig& line, const Reachability& peers, Group& group);
  void note_line(const Hop& hop, bool is_trusted);
  std::string add_pools_and_headers(const ProxyConfig& config);
  const Group* find_group(std::string_view name) const;

  Signer signer_;
  ProxyTimes times_;
  ProxyLimits limits_;
  std::vector<Trunk> trunks_;
  std::vector<Group> groups_;
  std::size_t default_group_ = 0;
  std::vector<std::pair<std::string, std::size_t>> pool_groups_;  ///< sorted by pool
  std::unordered_set<IpAddress> line_addresses_;
  std::map<Hop, bool> line_trust_;
  std::set<Hop> down_;
  std::vector<HeaderTemplate> headers_;
};

/// What the carrier of a registered trunk is told to put into the Request-URI: the same after a restart.
std::string contact_user_of(const Signer& signer, std::string_view trunk);

}  // namespace ringtrace::sip
