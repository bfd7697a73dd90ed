#include "grpc/errors.h"

#include <grpcpp/grpcpp.h>

#include <catch2/catch.hpp>
#include <cctype>
#include <set>
#include <string>

#include "grpc/transport.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

TEST_CASE("every reason has a name of its own in upper snake of at most 63 characters") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kReasons; ++i) {
    const std::string_view name = to_string(static_cast<Reason>(i));
    CHECK(names.insert(name).second);
    CHECK(name.size() <= 63);
    for (const char c : name) CHECK((c == '_' || std::isupper(static_cast<unsigned char>(c)) != 0));
  }
}

TEST_CASE("an error carries its reason, its variables and when to retry") {
  const grpc::Status status = to_status(pool_exhausted("main", std::chrono::milliseconds(1500)));
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(status.error_message() == "pool \"main\" has no free number");
  const auto info = error_info(status);
  CHECK(info.reason() == "POOL_EXHAUSTED");
  CHECK(info.metadata().at("pool") == "main");
  CHECK(retry_delay(status) == std::chrono::milliseconds(1500));
}

TEST_CASE("an error without a retry says nothing of one") {
  CHECK(retry_delay(to_status(pool_not_found("x"))) == std::chrono::milliseconds(0));
}

TEST_CASE("a long text from a request is cut where a character ends") {
  std::string text(255, 'a');
  for (int i = 0; i < 1000; ++i) text += "\xD1\x8F";
  const Error error = cursor_malformed(text);
  CHECK(error.metadata.at("cursor") == std::string(255, 'a') + "...");
  CHECK(to_status(error).error_details().size() < 2000);
}

}  // namespace
}  // namespace ringtrace::rpc::testing
