#include "sip/attribution.h"

#include <string>

#include "proto/from_pool.h"

namespace ringtrace::sip {

v1::Resolution PoolAttribution::attribute(const pool::ResolveQuery& query) {
  const pool::Resolution resolution = pools_.resolve(query);
  const std::string attributes = resolution.visit.empty()
                                     ? std::string{}
                                     : pools_.attributes(query.dialed, resolution.visit).value_or("");
  pools_.observe_call(query, resolution);
  return to_message(resolution, attributes);
}

bool PoolAttribution::knows(pool::Number number) const {
  return !pools_.resolve({number, {}, {}}).pool.empty();
}

}  // namespace ringtrace::sip
