#include "pool/resolution.h"

namespace ringtrace::pool {

const char* to_string(ResolutionMethod method) {
  switch (method) {
    case ResolutionMethod::kActiveLease:
      return "ACTIVE_LEASE";
    case ResolutionMethod::kReturningCaller:
      return "RETURNING_CALLER";
    case ResolutionMethod::kHold:
      return "HOLD";
    case ResolutionMethod::kHolderLog:
      return "HOLDER_LOG";
    case ResolutionMethod::kStaticSource:
      return "STATIC_SOURCE";
    case ResolutionMethod::kFallback:
      return "FALLBACK";
    case ResolutionMethod::kNone:
      break;
  }
  return "NONE";
}

}  // namespace ringtrace::pool
