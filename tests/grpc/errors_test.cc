#include "grpc/errors.h"

#include <grpcpp/grpcpp.h>

#include <catch2/catch.hpp>
#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

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

/// One error of each reason; several where they are made in more than one way.
std::vector<Error> one_of_each() {
  using std::chrono::seconds;
  return {field_required("f"),
          field_too_long("f", 2, 1),
          field_malformed("f", "x"),
          field_malformed("f", "x", "y"),
          field_out_of_range("f", "x"),
          time_not_in_future("f"),
          page_token_invalid(),
          message_too_large(2, 1),
          message_malformed(),
          token_missing(),
          token_unknown(),
          token_expired("t"),
          token_changed("t"),
          scope_missing("t", "lease"),
          pool_not_allowed("t", "p"),
          all_pools_needed("t"),
          not_of_pools("t"),
          one_pool_needed("t"),
          pool_not_found("p"),
          lease_not_found("p", "v"),
          call_not_found("c"),
          pool_exhausted("p", seconds(1)),
          pool_full("p", 1, 1),
          number_elsewhere("+1"),
          number_not_in_pool("p", "+1"),
          numbers_not_kept("p"),
          calls_unavailable(),
          store_unavailable("p"),
          store_busy("p"),
          too_many_requests(1),
          stream_start_missing(),
          stream_start_repeated(),
          too_many_streams(1),
          too_many_streams_of_client(1),
          cursor_trimmed("c", "o"),
          cursor_malformed("c"),
          log_unavailable("c"),
          subscription_open_otherwise("s", "m"),
          too_many_subscriptions("s"),
          acknowledgement_overdue("s", "c"),
          draining("c"),
          deadline_passed(),
          caller_gone()};
}

TEST_CASE("an error says when to try again exactly where its reason promises it") {
  std::set<Reason> seen;
  for (const Error& error : one_of_each()) {
    INFO(to_string(error.reason));
    CHECK(error.retry_after.has_value() == reason_spec(error.reason).retry);
    seen.insert(error.reason);
  }
  CHECK(seen.size() == kReasons);
}

TEST_CASE("the README's table of reasons is the code's") {
  std::ifstream file(RINGTRACE_README);
  const std::regex row_of_reason(R"(^\| `[A-Z_]+` \| `[A-Z_]+` \|)");
  std::set<std::string> lines;
  std::size_t rows = 0;
  for (std::string line; std::getline(file, line);) {
    lines.insert(line);
    if (std::regex_search(line, row_of_reason)) ++rows;
  }
  for (std::size_t i = 0; i < kReasons; ++i) {
    const ReasonSpec& spec = reason_spec(static_cast<Reason>(i));
    const std::string row = "| `" + std::string(spec.name) + "` | `" +
                            std::string(status_code_name(static_cast<std::size_t>(spec.code))) + "` | " +
                            (spec.retry ? "yes" : "") + " | " + std::string(spec.meaning) + " |";
    INFO("the README lacks this row:\n" << row);
    CHECK(lines.contains(row));
  }
  CHECK(rows == kReasons);
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

TEST_CASE("a stream that has come nowhere is not told to go on there") {
  CHECK(draining("7-0").message == "the gateway is stopping; go on after cursor \"7-0\" later");
  CHECK(draining("").message == "the gateway is stopping; begin again later");
  CHECK(log_unavailable("").message == "the event log cannot be read now; begin again later");
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
