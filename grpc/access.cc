#include "grpc/access.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

struct MethodRule {
  Scope scope;
  bool stream;
};

/// In the order of Method.
constexpr std::array<MethodRule, kMethods> kRules = {{
    {Scope::kLease, false},  // LeaseNumber
    {Scope::kLease, false},  // RenewLease
    {Scope::kLease, false},  // ReleaseLease
    {Scope::kLease, false},  // GetLease
    {Scope::kLease, true},   // LeaseNumbers
    {Scope::kRead, true},    // StreamCallEvents
    {Scope::kRead, false},   // ListCalls
    {Scope::kRead, false},   // GetCall
    {Scope::kAdmin, false},  // EraseCaller
    {Scope::kRead, false},   // ListPools
    {Scope::kRead, false},   // GetPool
    {Scope::kRead, true},    // WatchPools
    {Scope::kAdmin, false},  // AddNumbers
    {Scope::kAdmin, false},  // DrainNumbers
    {Scope::kRead, false},   // PlanCapacity
    {Scope::kRead, false},   // ResolveNumber
}};

const MethodRule& rule_of(Method method) { return kRules[static_cast<std::size_t>(method)]; }

/// The token of "Bearer TOKEN" (RFC 6750 section 2.1; the scheme's case does not count, RFC 9110 section
/// 11.1); empty when it is of another form.
std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  const bool same = std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char a, char b) {
    return a == std::tolower(static_cast<unsigned char>(b));
  });
  if (!same) return {};
  authorization.remove_prefix(kScheme.size());
  return authorization;
}

/// Where a peer is, without its port.
std::string_view host_of(std::string_view peer) { return peer.substr(0, peer.rfind(':')); }

}  // namespace

Scope scope_of(Method method) { return rule_of(method).scope; }
bool is_stream(Method method) { return rule_of(method).stream; }

Outcome Ticket::check_pool(std::string_view pool) const {
  if (!grant_ || grant_->allows_pool(pool)) return std::nullopt;
  return pool_not_allowed(grant_->name, pool);
}

Outcome Ticket::check_pool_resource(std::string_view resource) const {
  const std::string_view pool = pool_name_of(resource);
  return pool.empty() ? std::nullopt : check_pool(pool);
}

Outcome Ticket::check_still_valid() {
  if (!grant_) return std::nullopt;
  const std::uint64_t now = control_->generation_.load(std::memory_order_acquire);
  if (generation_ != now) {
    const std::shared_ptr<const TokenTable> table = control_->table();
    const TokenGrant* grant = table ? table->find(grant_->hash) : nullptr;
    if (table && grant == nullptr) return token_unknown();
    // A stream's pools were settled when it began: with others it has to begin again.
    if (grant != nullptr && *grant != *grant_) return token_changed(grant_->name);
    generation_ = now;
  }
  return control_->check(grant_.get(), method_);
}

AccessControl::AccessControl(std::optional<TokenTable> tokens, ClientLimits limits, const pool::Clock& clock)
    : clock_(clock), requests_(limits.max_requests), streams_(limits.max_streams) {
  replace(std::move(tokens));
}

void AccessControl::replace(std::optional<TokenTable> tokens) {
  std::shared_ptr<const TokenTable> fresh;
  if (tokens) fresh = std::make_shared<const TokenTable>(std::move(*tokens));
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(fresh);
  generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const TokenTable> AccessControl::table() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

bool AccessControl::asks_for_tokens() const { return table() != nullptr; }

Outcome AccessControl::check(const TokenGrant* grant, Method method) const {
  if (grant->expire_time && clock_.now() >= *grant->expire_time) return token_expired(grant->name);
  if (!grant->allows(scope_of(method))) return scope_missing(grant->name, to_string(scope_of(method)));
  return std::nullopt;
}

std::variant<Ticket, Error> AccessControl::admit(Method method, std::optional<std::string_view> authorization,
                                                 std::string_view peer) {
  const std::uint64_t generation = generation_.load(std::memory_order_acquire);
  std::shared_ptr<const TokenGrant> grant;
  if (const std::shared_ptr<const TokenTable> tokens = table()) {
    const std::string_view token = authorization ? bearer_of(*authorization) : std::string_view();
    if (token.empty()) return token_missing();
    const TokenGrant* found = tokens->find(token);
    if (found == nullptr) return token_unknown();
    if (Outcome refused = check(found, method)) return *refused;
    grant = std::shared_ptr<const TokenGrant>(tokens, found);
  }
  InFlight& limit = is_stream(method) ? streams_ : requests_;
  InFlight::Slot slot = limit.take(grant ? grant->name : std::string(host_of(peer)));
  if (!slot) {
    return is_stream(method) ? too_many_streams_of_client(limit.limit()) : too_many_requests(limit.limit());
  }
  return Ticket(*this, method, std::move(grant), generation, std::move(slot));
}

}  // namespace ringtrace::rpc
