#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grpc/errors.h"
#include "grpc/in_flight.h"
#include "grpc/statistics.h"
#include "grpc/token_table.h"
#include "pool/leasing.h"

namespace ringtrace::rpc {

class AccessControl;

/// What one request or stream may do, and its place among what its client has under way: given by
/// AccessControl, kept until the request or stream is over.
class Ticket {
 public:
  Ticket(Ticket&&) = default;
  Ticket& operator=(Ticket&&) = default;

  /// Null when the client may use the pool, given by its name.
  Outcome check_pool(std::string_view pool) const;

  /// The same of a resource name `pools/{pool}`. What is no such name is let through: the method itself says
  /// what is wrong with it.
  Outcome check_pool_resource(std::string_view resource) const;

  bool allows_all_pools() const { return !grant_ || grant_->pools.empty(); }

  /// What the token is called; of use only when there is one.
  const std::string& token_name() const { return grant_->name; }

  /// The names of the pools the client may use; of use only when they are not all.
  const std::vector<std::string>& pools() const { return grant_->pools; }

  /// Null while the token it was given for is known and allows the same; for streams, which outlive changes.
  /// Costs next to nothing as long as nothing has changed.
  Outcome check_still_valid();

 private:
  friend AccessControl;
  Ticket(const AccessControl& control, Method method, std::shared_ptr<const TokenGrant> grant,
         std::uint64_t generation, InFlight::Slot slot)
      : control_(&control),
        method_(method),
        grant_(std::move(grant)),
        generation_(generation),
        slot_(std::move(slot)) {}

  const AccessControl* control_;
  Method method_;
  std::shared_ptr<const TokenGrant> grant_;  // none: no tokens are asked for
  std::uint64_t generation_;
  InFlight::Slot slot_;
};

/// How much one client may have under way. A client is a token; without tokens, a peer address.
struct ClientLimits {
  std::size_t max_requests = 1024;
  std::size_t max_streams = 64;
};

/// Decides who may call what. One place for all services: each method asks here before anything else.
///
///     auto admitted = control.admit(Method::kLeaseNumber, bearer, peer);   // a Ticket or an Error
///     if (Outcome refused = ticket.check_pool_resource(request.parent())) ...
///
/// Nothing blocks. Every member may be called from any thread; the control outlives its tickets.
class AccessControl {
 public:
  /// Without `tokens` whoever can connect may do everything. `clock` must outlive this.
  AccessControl(std::optional<TokenTable> tokens, ClientLimits limits, const pool::Clock& clock);

  /// Puts other tokens in place; requests under way go on, streams are looked at again.
  void replace(std::optional<TokenTable> tokens);

  /// `authorization` is the request's header of that name, none when it has none; `peer` is where the request
  /// comes from, as the library names it ("ipv4:192.0.2.1:4711").
  std::variant<Ticket, Error> admit(Method method, std::optional<std::string_view> authorization,
                                    std::string_view peer);

  bool asks_for_tokens() const;

 private:
  friend Ticket;
  std::shared_ptr<const TokenTable> table() const;
  Outcome check(const TokenGrant* grant, Method method) const;

  const pool::Clock& clock_;
  InFlight requests_;
  InFlight streams_;
  std::atomic<std::uint64_t> generation_{0};
  mutable std::mutex mutex_;  // held for a few instructions
  std::shared_ptr<const TokenTable> tokens_;
};

/// The scope a method needs.
Scope scope_of(Method method);

/// True for methods that stream.
bool is_stream(Method method);

}  // namespace ringtrace::rpc
