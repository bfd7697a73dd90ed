#include "redis/number_book.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using redis::NumberWord;

pool::Number number(std::uint64_t digits) { return *pool::Number::from_digits(digits); }

bool keep(redis::RedisNumberBook& book, const std::vector<pool::Number>& numbers, NumberWord word) {
  Inbox<bool> kept;
  book.keep("main", numbers, word, [&](bool answer) { kept.put(answer); });
  return kept.take();
}

std::map<std::uint64_t, NumberWord> load(redis::RedisNumberBook& book, std::string& problem) {
  std::map<std::uint64_t, NumberWord> numbers;
  Inbox<std::string> loaded;
  book.load(
      "main",
      [&](const std::vector<redis::KeptNumber>& batch) {
        for (const redis::KeptNumber& one : batch) numbers[one.number.digits()] = one.word;
      },
      [&](const std::string& text) { loaded.put(text); });
  problem = loaded.take();
  return numbers;
}

}  // namespace

TEST_CASE("what was said last of each number outlives Redis, and people can read it") {
  RedisServer server;
  Client client(Client::options_for(server.unix_endpoint()));
  client.start_and_wait();
  redis::RedisNumberBook book(client.connection());
  std::vector<pool::Number> many;
  for (std::uint64_t i = 0; i < 3000; ++i) many.push_back(number(74950000000 + i));
  REQUIRE(keep(book, many, NumberWord::kAdded));
  REQUIRE(keep(book, {many[1], many[2]}, NumberWord::kDrained));
  REQUIRE(keep(book, {many[2], many[3]}, NumberWord::kNothing));
  client.run(redis::Command({"HSET", "rt:{main:0}:numbers", "not a number", "added", "74950009999", "odd"}));

  server.kill();
  client.wait_for(false);
  std::string problem;
  CHECK_FALSE(keep(book, {many[0]}, NumberWord::kDrained));
  CHECK(load(book, problem).empty());
  CHECK_FALSE(problem.empty());
  server.start();
  client.wait_for(true);

  const auto numbers = load(book, problem);
  CHECK(problem.empty());
  CHECK(numbers.size() == 2998);
  CHECK(numbers.at(74950000000) == NumberWord::kAdded);
  CHECK(numbers.at(74950000001) == NumberWord::kDrained);
  CHECK_FALSE(numbers.contains(74950000002));
  CHECK(client.run(redis::Command({"HGET", "rt:{main:0}:numbers", "74950000001"})).reply.is("drained"));
}

}  // namespace ringtrace::test
