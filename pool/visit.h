#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pool/bounded_text.h"

namespace ringtrace::pool {

/// The website's own name for a visit: 1 to 128 bytes without control characters.
using VisitId = BoundedText<struct VisitIdTag, 128>;

/// The browser of a visit, stable over many; empty when unknown.
using VisitorId = BoundedText<struct VisitorIdTag, 128>;

/// The label a visit is counted and weighted under, such as "google/cpc"; at most 64 bytes.
using Source = BoundedText<struct SourceTag, 64>;

/// The name of a pool, such as "main": 1 to 63 of a-z, 0-9 and dash.
using PoolName = BoundedText<struct PoolNameTag, 63>;

/// The most bytes of attributes (opaque to the pool) that one visit may bring.
inline constexpr std::size_t kMaxAttributesBytes = 2048;

/// True for 1 to 128 bytes without control characters.
bool is_valid_visit_id(std::string_view text);

/// True for at most 128 bytes without control characters.
bool is_valid_visitor_id(std::string_view text);

/// True for 1 to 63 of a-z, 0-9 and dash, beginning with a letter.
bool is_valid_pool_name(std::string_view text);

/// Who may take a number when few are left.
enum class AdmissionClass : std::uint8_t {
  kNormal,    ///< while the pool keeps its reserve
  kValuable,  ///< the reserve too
  kBot,       ///< never: always the fallback number
};

/// A visit that asks for a number. Views: valid for the length of the call.
struct VisitView {
  std::string_view visit_id;    ///< must satisfy is_valid_visit_id
  std::string_view visitor_id;  ///< must satisfy is_valid_visitor_id
  std::string_view source;      ///< cut after 64 bytes
  std::string_view attributes;  ///< opaque; at most kMaxAttributesBytes
};

}  // namespace ringtrace::pool
