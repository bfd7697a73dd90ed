#include "grpc/capacity_plan.h"

namespace ringtrace::rpc {
namespace {

double next_blocking(double erlangs, double blocking, std::int32_t numbers) {
  return erlangs * blocking / (numbers + erlangs * blocking);
}

}  // namespace

double erlang_b(double erlangs, std::int32_t numbers) {
  double blocking = 1;
  for (std::int32_t n = 1; n <= numbers; ++n) blocking = next_blocking(erlangs, blocking, n);
  return blocking;
}

std::int32_t numbers_needed(double erlangs, double blocked_share) {
  if (erlangs <= 0) return 0;
  double blocking = 1;
  std::int32_t numbers = 0;
  while (blocking > blocked_share) blocking = next_blocking(erlangs, blocking, ++numbers);
  return numbers;
}

}  // namespace ringtrace::rpc
