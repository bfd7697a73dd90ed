#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "redis/reply.h"

namespace ringtrace::store_test {

using Milliseconds = std::int64_t;  ///< of Redis: since 1970, or a length

/// The books of one pool, as the function library keeps them. A copy is a snapshot.
struct Books {
  struct Lease {
    Milliseconds start = 0, end = 0, hold = 0;
    bool over = false;  ///< `end` is for good
    std::string source, visitor, visit;

    Milliseconds bound_until() const { return end + hold; }
    std::string text() const;
    static Lease parse(const std::string& text);
  };
  struct Owner {
    std::string token, name, client, run_id, replid;
    Milliseconds since = 0, until = 0;
  };

  std::map<std::string, Lease> leases;  ///< by number, as are the next two
  std::map<std::string, std::string> attributes;
  std::map<std::string, std::deque<std::string>> holders;
  std::map<std::string, std::string> visits;  ///< by word: a number
  Owner owner;
  std::uint64_t writes = 0;
};

/// A Redis with the function library, as far as leases go: redis/functions_leases.lua and functions_owner.lua
/// in C++, step by step and name by name, and the few commands that gateways send beside them. Only what
/// those functions do with expired keys is left out: nothing expires here.
class RedisModel {
 public:
  explicit RedisModel(std::string run = "run-1", std::string replication = "replication-1")
      : run_id(std::move(run)), replid(std::move(replication)) {}

  /// Carries a command out at `now`, by Redis' clock, for the connection of that id.
  redis::Reply execute(const std::vector<std::string>& command, Milliseconds now, std::int64_t client);

  Books books;
  std::string run_id;
  std::string replid;
  bool syncs_each_write = true;

  /// A wrong library: any token may write.
  bool fences = true;

 private:
  struct Step;
  using Words = std::vector<std::string>;

  redis::Reply write_leases(const Words& command);
  redis::Reply lease(const Step& step);
  redis::Reply renew(const Step& step);
  redis::Reply release(const Step& step);
  redis::Reply expire(const Step& step);
  redis::Reply claim(const Words& command, Milliseconds now);
  redis::Reply keep_claim(const Words& command, Milliseconds now);
  bool refuses(const std::string& token, redis::Reply& refusal) const;
  void forget_visit(const std::string& number, const std::string& visit);
  void log_holder(const Step& step, const Books::Lease& lease);
};

/// The words of a command as it goes over the wire.
std::vector<std::string> words_of(std::string_view bytes);

redis::Reply text_reply(std::string text);
redis::Reply error_reply(std::string text);

/// For comparing and for people.
std::string to_text(const redis::Reply& reply);

}  // namespace ringtrace::store_test
