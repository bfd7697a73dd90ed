#include "grpc/number_core.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grpc/validation.h"

namespace ringtrace::rpc {
namespace {

using pool::Number;
using pool::PoolIndex;

/// Each number once.
template <typename Request>
Checked<std::vector<Number>> check_numbers(const Request& request) {
  if (Outcome error = check_request_id(request.request_id())) return *std::move(error);
  if (request.numbers().empty()) return field_required("numbers");
  if (request.numbers_size() > kMaxNumbersARequest) {
    return field_out_of_range("numbers", "at most " + std::to_string(kMaxNumbersARequest));
  }
  std::vector<Number> numbers;
  numbers.reserve(static_cast<std::size_t>(request.numbers_size()));
  for (const std::string& text : request.numbers()) {
    const Checked<Number> number = check_number(element("numbers", numbers.size()), text);
    if (const Error* error = std::get_if<Error>(&number)) return *error;
    numbers.push_back(std::get<Number>(number));
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace

NumberCore::Use NumberCore::use_in(PoolIndex pool, Number number) const {
  const pool::Resolution resolution = leasing_.pools().resolve({number, {}, leasing_.clock().now()});
  if (resolution.pool.empty()) return Use::kNone;
  const bool shared = resolution.method == pool::ResolutionMethod::kStaticSource ||
                      resolution.method == pool::ResolutionMethod::kFallback;
  const bool here = resolution.pool == leasing_.pools().config(pool).name;
  return here && !shared ? Use::kLent : Use::kOther;
}

void NumberCore::add_numbers(const v1::AddNumbersRequest& request, v1::AddNumbersResponse& response,
                             Done done) {
  const Checked<PoolIndex> checked = check_pool(leasing_.pools(), "name", request.name());
  if (const Error* error = std::get_if<Error>(&checked)) return done(*error);
  auto numbers = check_numbers(request);
  if (const Error* error = std::get_if<Error>(&numbers)) return done(*error);
  const auto pool = std::get<PoolIndex>(checked);
  const auto& wanted = std::get<std::vector<Number>>(numbers);
  for (const Number number : wanted) {
    if (use_in(pool, number) == Use::kOther) return done(number_elsewhere(number.to_string()));
  }
  const std::string name = leasing_.pools().config(pool).name.to_string();
  book_.keep(name, wanted, NumberWord::kAdded,
             [this, pool, name, wanted, &response, done = std::move(done)](bool kept) {
               if (!kept) return done(numbers_not_kept(name));
               const std::size_t added = leasing_.pools().add_numbers(pool, wanted);
               // What found no room must not be tried again at every start.
               std::vector<Number> left_out;
               for (const Number number : wanted) {
                 if (use_in(pool, number) != Use::kLent) left_out.push_back(number);
               }
               if (!left_out.empty()) {
                 book_.keep(name, left_out, NumberWord::kNothing, [](bool) {});
                 return done(pool_full(name, added, left_out.size()));
               }
               response.set_added_count(static_cast<std::int32_t>(added));
               done(std::nullopt);
             });
}

void NumberCore::drain_numbers(const v1::DrainNumbersRequest& request, v1::DrainNumbersResponse& response,
                               Done done) {
  const Checked<PoolIndex> checked = check_pool(leasing_.pools(), "name", request.name());
  if (const Error* error = std::get_if<Error>(&checked)) return done(*error);
  auto numbers = check_numbers(request);
  if (const Error* error = std::get_if<Error>(&numbers)) return done(*error);
  const auto pool = std::get<PoolIndex>(checked);
  const auto& wanted = std::get<std::vector<Number>>(numbers);
  const std::string name = leasing_.pools().config(pool).name.to_string();
  for (const Number number : wanted) {
    if (use_in(pool, number) != Use::kLent) return done(number_not_in_pool(name, number.to_string()));
  }
  book_.keep(name, wanted, NumberWord::kDrained,
             [this, pool, name, wanted, &response, done = std::move(done)](bool kept) {
               if (!kept) return done(numbers_not_kept(name));
               const std::size_t drained = leasing_.pools().drain_numbers(pool, wanted);
               response.set_drained_count(static_cast<std::int32_t>(drained));
               done(std::nullopt);
             });
}

}  // namespace ringtrace::rpc
