#pragma once

#include <ringtrace/v1/lease_service.pb.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/errors.h"
#include "grpc/number_formats.h"
#include "pool/leasing.h"

namespace ringtrace::rpc {

/// How often a page renews a lease of that length: a third of it, so that two heartbeats may be lost, but not
/// more often than every 5 seconds nor more seldom than every 5 minutes.
pool::Duration renew_interval(pool::Duration ttl);

/// The admission class of a visit that asks for none: valuable with a known paid click id, else normal.
pool::AdmissionClass admission_of(const v1::VisitAttributes& attributes);

/// LeaseService without its transport: a request message, and a completion when the answer is there.
///
/// Each method fills `response` and calls `done` exactly once, from inside the call or from the store's
/// thread; request and response must live until then. With an error the response is not to be sent. Nothing
/// blocks. May be called from any thread.
class LeaseCore {
 public:
  using Done = std::function<void(const Outcome&)>;

  /// `leasing` must outlive the core and everything that is under way.
  explicit LeaseCore(pool::Leasing& leasing);

  void lease_number(const v1::LeaseNumberRequest& request, v1::LeaseNumberResponse& response, Done done);
  void renew_lease(const v1::RenewLeaseRequest& request, v1::RenewLeaseResponse& response, Done done);
  void release_lease(const v1::ReleaseLeaseRequest& request, v1::ReleaseLeaseResponse& response, Done done);
  void get_lease(const v1::GetLeaseRequest& request, v1::GetLeaseResponse& response, Done done);

 private:
  void finish_held(pool::PoolIndex pool, std::string_view visit_id, const pool::LeaseAnswer& answer,
                   v1::Lease& lease, const Done& done);

  using StaticNumbers = std::map<std::string, pool::Number, std::less<>>;  // by their source

  std::optional<pool::Number> static_number(pool::PoolIndex pool, std::string_view source) const;

  pool::Leasing& leasing_;
  std::vector<StaticNumbers> static_numbers_;  // of each pool; constant after construction
  NumberFormats formats_;
};

}  // namespace ringtrace::rpc
