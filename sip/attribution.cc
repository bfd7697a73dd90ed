#include "sip/attribution.h"

#include <string>

#include "proto/from_pool.h"

namespace ringtrace::sip {

v1::Resolution PoolAttribution::attribute(const pool::ResolveQuery& query) {
  const pool::Resolution resolution = pools_.resolve(query);
  std::string attributes;
  pool::VisitorId visitor;
  if (!resolution.visit.empty()) {
    attributes = pools_.attributes(query.dialed, resolution.visit).value_or("");
    visitor = pools_.visitor(query.dialed, resolution.visit);
  }
  pools_.observe_call(query, resolution);
  return to_message(resolution, visitor.view(), attributes);
}

bool PoolAttribution::knows(pool::Number number) const {
  return !pools_.resolve({number, {}, {}}).pool.empty();
}

}  // namespace ringtrace::sip
