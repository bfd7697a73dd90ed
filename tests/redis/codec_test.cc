#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "redis/command.h"
#include "redis/reply_reader.h"

namespace ringtrace::redis {
namespace {

constexpr std::size_t kLimit = 1'000;

TEST_CASE("a command keeps empty arguments and any bytes") {
  const std::string any("a\0\r\n", 4);
  CHECK(Command({"SET", any, ""}).bytes() ==
        std::string("*3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n", 29));
}

TEST_CASE("a reply is the same tree however its bytes are cut") {
  const std::string bytes = "*4\r\n$2\r\nab\r\n:-7\r\n*2\r\n$-1\r\n+OK\r\n-ERR no\r\n:5\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    ReplyReader reader(kLimit);
    std::vector<Reply> replies;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(std::string_view(bytes).substr(at, step));
      Reply reply;
      while (reader.next(reply) == ReplyReader::Next::kReply) replies.push_back(std::move(reply));
    }
    REQUIRE(replies.size() == 2);
    const Reply& tree = replies[0];
    REQUIRE(tree.elements.size() == 4);
    CHECK(tree.elements[0].is("ab"));
    CHECK(tree.elements[1].as_integer() == -7);
    CHECK(tree.elements[2].elements[0].is_nil());
    CHECK(tree.elements[2].elements[1].is("OK"));
    CHECK(tree.elements[3].is_error("ERR"));
    CHECK(replies[1].integer == 5);
  }
}

TEST_CASE("a reply larger than the limit breaks the reader") {
  ReplyReader reader(kLimit);
  Reply reply;
  reader.feed("$5000\r\n" + std::string(900, 'x'));
  CHECK(reader.next(reply) == ReplyReader::Next::kMore);
  reader.feed(std::string(200, 'x'));
  CHECK(reader.next(reply) == ReplyReader::Next::kBroken);
  CHECK(reader.error() == "reply too large");
}

TEST_CASE("many small replies at once are not one large reply") {
  ReplyReader reader(kLimit);
  std::string bytes;
  for (int i = 0; i < 1'000; ++i) bytes += "+PONG\r\n";
  reader.feed(bytes);
  Reply reply;
  int count = 0;
  while (reader.next(reply) == ReplyReader::Next::kReply) ++count;
  CHECK(count == 1'000);
}

TEST_CASE("an announced array of a billion elements costs nothing before they come") {
  ReplyReader reader(kLimit);
  reader.feed("*1000000000\r\n:1\r\n");
  Reply reply;
  CHECK(reader.next(reply) != ReplyReader::Next::kReply);
}

TEST_CASE("no bytes crash the reader") {
  std::minstd_rand random(20'240'501);
  const std::string alphabet = "*$+-:0123456789\r\n\r\nab";
  for (int round = 0; round < 20'000; ++round) {
    ReplyReader reader(kLimit);
    std::string bytes;
    for (auto left = random() % 60; left > 0; --left) bytes += alphabet[random() % alphabet.size()];
    reader.feed(bytes);
    Reply reply;
    while (reader.next(reply) == ReplyReader::Next::kReply) {
    }
  }
  SUCCEED();
}

}  // namespace
}  // namespace ringtrace::redis
