#include "proto/from_pool.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace ringtrace {
namespace {

v1::ResolutionMethod to_message(pool::ResolutionMethod method) {
  using Method = pool::ResolutionMethod;
  switch (method) {
    case Method::kActiveLease:
      return v1::RESOLUTION_METHOD_ACTIVE_LEASE;
    case Method::kReturningCaller:
      return v1::RESOLUTION_METHOD_RETURNING_CALLER;
    case Method::kHold:
      return v1::RESOLUTION_METHOD_HOLD;
    case Method::kHolderLog:
      return v1::RESOLUTION_METHOD_HOLDER_LOG;
    case Method::kStaticSource:
      return v1::RESOLUTION_METHOD_STATIC_SOURCE;
    case Method::kFallback:
      return v1::RESOLUTION_METHOD_FALLBACK;
    case Method::kNone:
      break;
  }
  return v1::RESOLUTION_METHOD_NONE;
}

/// The host of an absolute URL without "www.", or nothing.
std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  url = url.substr(0, url.find(':'));
  if (url.substr(0, 4) == "www.") url.remove_prefix(4);
  return url;
}

/// Lower case, spaces and control characters as underscores: a label is a word.
std::string as_label(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7F) return '_';
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : c;
  });
  if (text.size() > pool::Source::kMaxBytes) text.resize(pool::Source::kMaxBytes);
  return text;
}

}  // namespace

google::protobuf::Timestamp to_timestamp(pool::Time time) {
  using std::chrono::floor;
  const auto seconds = floor<std::chrono::seconds>(time);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds.time_since_epoch().count());
  timestamp.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(time - seconds).count()));
  return timestamp;
}

pool::Time from_timestamp(const google::protobuf::Timestamp& timestamp) {
  const std::chrono::sys_seconds seconds{std::chrono::seconds(timestamp.seconds())};
  return seconds + std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(timestamp.nanos()));
}

std::string pool_resource(std::string_view pool_name) {
  return pool_name.empty() ? std::string() : "pools/" + std::string(pool_name);
}

std::string_view pool_name_of(std::string_view resource) {
  constexpr std::string_view kCollection = "pools/";
  if (resource.substr(0, kCollection.size()) != kCollection) return {};
  const std::string_view name = resource.substr(kCollection.size());
  return pool::is_valid_pool_name(name) ? name : std::string_view();
}

v1::Resolution to_message(const pool::Resolution& resolution, std::string_view visitor,
                          std::string_view attributes) {
  v1::Resolution message;
  message.set_method(to_message(resolution.method));
  message.set_source(resolution.source.to_string());
  message.set_confidence(resolution.confidence);
  message.set_none_weight(resolution.none_weight);
  message.set_pool(pool_resource(resolution.pool.view()));
  if (!resolution.visit.empty()) {
    message.mutable_visit()->set_visit_id(resolution.visit.to_string());
    message.mutable_visit()->set_visitor_id(std::string(visitor));
    if (!attributes.empty()) {
      // What does not parse was not written by us; the visit is known all the same.
      message.mutable_visit()->mutable_attributes()->ParseFromArray(attributes.data(),
                                                                    static_cast<int>(attributes.size()));
    }
  }
  for (const pool::Candidate& candidate : resolution.candidates()) {
    v1::Candidate& out = *message.add_candidates();
    out.set_visit_id(candidate.visit.to_string());
    out.set_source(candidate.source.to_string());
    *out.mutable_shown_time() = to_timestamp(candidate.shown);
    *out.mutable_end_time() = to_timestamp(candidate.end);
    out.set_weight(candidate.weight);
  }
  return message;
}

std::string source_label(const v1::VisitAttributes& attributes) {
  if (!attributes.utm_source().empty()) {
    const std::string& medium = attributes.utm_medium();
    return as_label(medium.empty() ? attributes.utm_source() : attributes.utm_source() + "/" + medium);
  }
  if (!attributes.click_ids().empty()) {
    // A map has no order of its own; the least name makes the label the same each time.
    const auto first = std::min_element(attributes.click_ids().begin(), attributes.click_ids().end(),
                                        [](const auto& a, const auto& b) { return a.first < b.first; });
    return as_label("paid/" + first->first);
  }
  if (const std::string_view host = host_of(attributes.referrer()); !host.empty()) {
    return as_label(std::string(host) + "/referral");
  }
  return "direct";
}

}  // namespace ringtrace
