#include "grpc/number_core.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

struct Changed {
  grpc::Status status;
  std::int32_t count = 0;
};

Changed add(Harness& harness, const std::vector<std::string>& numbers,
            const std::string& pool = "pools/main") {
  Context context;
  v1::AddNumbersRequest request;
  request.set_name(pool);
  for (const std::string& one : numbers) request.add_numbers(one);
  v1::AddNumbersResponse response;
  const grpc::Status status = harness.pool_service->AddNumbers(&context, request, &response);
  return {status, response.added_count()};
}

Changed drain(Harness& harness, const std::vector<std::string>& numbers,
              const std::string& pool = "pools/main") {
  Context context;
  v1::DrainNumbersRequest request;
  request.set_name(pool);
  for (const std::string& one : numbers) request.add_numbers(one);
  v1::DrainNumbersResponse response;
  const grpc::Status status = harness.pool_service->DrainNumbers(&context, request, &response);
  return {status, response.drained_count()};
}

pool::PoolCounts counts(Harness& harness) {
  return harness.pools->counts(pool::PoolIndex{0}, harness.clock.now());
}

const std::string kOld = "+74950000001";
const std::string kNew = "+74950000051";

}  // namespace

TEST_CASE("numbers are added and drained, and kept as what was said of them last") {
  Harness harness;
  CHECK(add(harness, {kNew, kNew, kOld}).count == 1);
  CHECK(counts(harness).free == 4);
  CHECK(harness.book.kept.at("main " + kNew) == NumberWord::kAdded);
  CHECK(drain(harness, {kNew, kOld}).count == 2);
  CHECK(counts(harness).free == 2);
  CHECK(counts(harness).drained == 2);
  CHECK(harness.book.kept.at("main " + kOld) == NumberWord::kDrained);
  CHECK(drain(harness, {kOld}).count == 0);
  CHECK(add(harness, {kOld}).count == 1);
  CHECK(counts(harness).free == 3);
  CHECK(harness.book.kept.at("main " + kOld) == NumberWord::kAdded);
}

TEST_CASE("what cannot be kept is not done") {
  Harness harness;
  harness.book.keeps = false;
  for (const grpc::Status& status : {add(harness, {kNew}).status, drain(harness, {kOld}).status}) {
    CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
    CHECK(error_info(status).reason() == "STORE_UNAVAILABLE");
    CHECK(retry_delay(status) > std::chrono::milliseconds(0));
  }
  CHECK(counts(harness).free == 3);
  CHECK(counts(harness).total == 3);
}

TEST_CASE("a number of another pool or use is not added, and only a lent one is drained") {
  Harness harness;
  for (const char* taken : {"+78120000001", "+74950000009", "+74950000008"}) {
    const grpc::Status status = add(harness, {kNew, taken}).status;
    CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
    CHECK(error_info(status).reason() == "NUMBER_ELSEWHERE");
    CHECK(error_info(status).metadata().at("number") == taken);
  }
  for (const char* foreign : {"+78120000001", "+74950000009", "+74950000077"}) {
    const grpc::Status status = drain(harness, {kOld, foreign}).status;
    CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
    CHECK(error_info(status).reason() == "NUMBER_NOT_IN_POOL");
  }
  CHECK(harness.book.kept.empty());
  CHECK(counts(harness).free == 3);
}

TEST_CASE("numbers beyond the pool's room are told, and not kept") {
  Harness harness;
  std::vector<std::string> many;
  for (int i = 0; i < 1100; ++i) many.push_back("+7495" + std::to_string(1'000'000 + i));
  const grpc::Status status = add(harness, many).status;
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto info = error_info(status);
  CHECK(info.reason() == "POOL_FULL");
  const std::uint64_t added = std::stoull(info.metadata().at("added_count"));
  CHECK(added == counts(harness).total - 3);
  CHECK(added + std::stoull(info.metadata().at("left_out_count")) == 1100);
  std::uint64_t kept = 0;
  for (const auto& [number, word] : harness.book.kept) kept += word == NumberWord::kAdded ? 1 : 0;
  CHECK(kept == added);
}

TEST_CASE("each mistake in a change of numbers names its field") {
  Harness harness;
  const auto field = [](const grpc::Status& status) {
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    return error_info(status).metadata().at("field");
  };
  CHECK(field(add(harness, {}).status) == "numbers");
  const grpc::Status malformed = add(harness, {"reception"}).status;
  CHECK(field(malformed) == "numbers[1]");
  CHECK(error_info(malformed).metadata().at("given") == "reception");
  CHECK(malformed.error_message().ends_with("not \"reception\""));
  CHECK(field(add(harness, {kNew, kOld, ""}).status) == "numbers[3]");
  CHECK(field(drain(harness, {kOld, kOld, "12"}).status) == "numbers[3]");
  CHECK(field(add(harness, {kNew}, "main").status) == "name");
  CHECK(field(drain(harness, std::vector<std::string>(kMaxNumbersARequest + 1, kOld)).status) == "numbers");
  CHECK(error_info(drain(harness, {kOld}, "pools/none").status).reason() == "POOL_NOT_FOUND");
}

}  // namespace ringtrace::rpc::testing
