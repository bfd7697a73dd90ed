#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <iostream>
#include <utility>
#include <vector>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/expiration.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

void print_lease(const Common& common, const v1::Lease& lease) {
  if (common.json) return print_json(lease);
  const v1::VisitAttributes& attributes = lease.visit().attributes();
  std::vector<std::pair<std::string, std::string>> fields = {
      {"number", lease.number()},
      {"kind", short_name(v1::NumberKind_Name(lease.kind()), "NUMBER_KIND_")},
      {"visit", lease.visit().visit_id()},
      {"source", or_dash(lease.source())},
  };
  if (!lease.visit().visitor_id().empty()) fields.emplace_back("visitor", lease.visit().visitor_id());
  if (!attributes.utm_source().empty()) fields.emplace_back("utm_source", attributes.utm_source());
  if (lease.kind() == v1::NUMBER_KIND_DYNAMIC) {
    fields.emplace_back("since", time_text(lease.has_start_time(), lease.start_time()));
    fields.emplace_back("expires", time_text(lease.has_expire_time(), lease.expire_time()));
    fields.emplace_back("renew every", duration_text(lease.renew_interval()));
    fields.emplace_back("durable", lease.durable() ? "yes" : "no, in memory only");
  }
  if (!lease.formats().international().empty()) {
    fields.emplace_back("people write",
                        lease.formats().national() + " or " + lease.formats().international());
  }
  if (lease.has_idle_duration()) fields.emplace_back("idle before", duration_text(lease.idle_duration()));
  print_fields(std::cout, fields);
}

void set_attributes(v1::VisitAttributes& attributes, const LeaseOptions& options) {
  attributes.set_utm_source(options.utm_source);
  attributes.set_utm_medium(options.utm_medium);
  attributes.set_utm_campaign(options.utm_campaign);
  attributes.set_utm_term(options.utm_term);
  attributes.set_utm_content(options.utm_content);
  attributes.set_referrer(options.referrer);
  attributes.set_landing_page(options.landing_page);
  attributes.mutable_click_ids()->insert(options.click_ids.begin(), options.click_ids.end());
  attributes.mutable_extra()->insert(options.extra.begin(), options.extra.end());
}

v1::AdmissionClass admission_of(const std::string& text) {
  if (text == "valuable") return v1::ADMISSION_CLASS_VALUABLE;
  return text == "bot" ? v1::ADMISSION_CLASS_BOT : v1::ADMISSION_CLASS_NORMAL;
}

/// The three methods that name a lease by pool and visit.
template <typename Request>
Request held_request(const HeldOptions& options) {
  Request request;
  request.set_parent(pool_resource_of(options.pool));
  request.set_visit_id(options.visit);
  if constexpr (requires { request.request_id(); }) request.set_request_id(options.request_id);
  return request;
}

}  // namespace

int lease(const Common& common, const LeaseOptions& options) {
  v1::LeaseNumberRequest request;
  request.set_parent(pool_resource_of(options.pool));
  request.mutable_visit()->set_visit_id(options.visit);
  request.mutable_visit()->set_visitor_id(options.visitor);
  set_attributes(*request.mutable_visit()->mutable_attributes(), options);
  set_expiration(request, options.expiration);
  request.set_request_id(options.request_id);
  if (!options.admission.empty()) request.set_admission_class(admission_of(options.admission));

  grpc::ClientContext context;
  prepare(context, common);
  v1::LeaseNumberResponse response;
  const grpc::Status status =
      v1::LeaseService::NewStub(connect(common))->LeaseNumber(&context, request, &response);
  if (!status.ok()) return report(common, status);
  print_lease(common, response.lease());
  return kExitOk;
}

int renew(const Common& common, const HeldOptions& options) {
  auto request = held_request<v1::RenewLeaseRequest>(options);
  set_expiration(request, options.expiration);
  grpc::ClientContext context;
  prepare(context, common);
  v1::RenewLeaseResponse response;
  const grpc::Status status =
      v1::LeaseService::NewStub(connect(common))->RenewLease(&context, request, &response);
  if (!status.ok()) return report(common, status);
  print_lease(common, response.lease());
  return kExitOk;
}

int release(const Common& common, const HeldOptions& options) {
  const auto request = held_request<v1::ReleaseLeaseRequest>(options);
  grpc::ClientContext context;
  prepare(context, common);
  v1::ReleaseLeaseResponse response;
  const grpc::Status status =
      v1::LeaseService::NewStub(connect(common))->ReleaseLease(&context, request, &response);
  if (!status.ok()) return report(common, status);
  if (common.json) {
    print_json(response);
  } else {
    std::cout << "released\n";
  }
  return kExitOk;
}

int get(const Common& common, const HeldOptions& options) {
  const auto request = held_request<v1::GetLeaseRequest>(options);
  grpc::ClientContext context;
  prepare(context, common);
  v1::GetLeaseResponse response;
  const grpc::Status status =
      v1::LeaseService::NewStub(connect(common))->GetLease(&context, request, &response);
  if (!status.ok()) return report(common, status);
  print_lease(common, response.lease());
  return kExitOk;
}

}  // namespace ringtrace::ctl
