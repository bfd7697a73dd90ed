#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <random>

#include "redis/functions.h"
#include "redis/keys.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/redis_session.h"
#include "tests/store/simulation.h"

namespace ringtrace::store_test {
namespace {

using redis::Reply;
using test::RedisServer;
using test::RedisSession;

const std::string kOwner = redis::owner_key("main");
const std::string kPrefix = "rt:{main:0}:";
const std::string kFarAway = "99999999999999";

/// Words that are told by the server's clock or chosen by the server, which the model has other ones of.
void mask(Reply& reply, std::initializer_list<std::size_t> places) {
  for (const std::size_t place : places) {
    if (place < reply.elements.size()) reply.elements[place] = text_reply("*");
  }
}

/// The reply but for such words. Of two runs it stays whether they are one.
std::string comparable(Reply reply) {
  if (!reply.is_array() || reply.elements.empty()) return to_text(reply);
  if (reply.elements[0].is("OWNED")) mask(reply, {3, 4, 6});
  if (reply.elements[0].is("FENCED")) mask(reply, {2});
  if (reply.elements[0].is("CLAIMED")) {
    const bool same = reply.elements[4].text == reply.elements[7].text;
    mask(reply, {2, 4, 5, 7, 8});
    return to_text(reply) + (same ? " of the same run" : " of another run");
  }
  return to_text(reply);
}

/// A redis-server with the library, to which a history is told again.
class RealRedis {
 public:
  RealRedis() : server_({"--appendfsync", "no"}) { dial(); }

  void empty() {
    session_->command({"FLUSHALL"});
    synced_ = written();
  }

  Reply command(const std::vector<std::string>& words) { return session_->command(words); }

  /// Claims are over by the history's clock, not by the server's.
  void set_claim_over(bool over) {
    if (session_->command({"EXISTS", kOwner}).integer == 0) return;
    session_->command({"HSET", kOwner, "until", over ? "0" : kFarAway});
  }

  void note_synced() { synced_ = written(); }

  /// kill -9; what it wrote since it was synced never reached the disk.
  void crash() {
    server_.kill();
    std::filesystem::resize_file(log(), synced_);
    server_.start();
    dial();
  }

  /// Everything the model keeps, as lines.
  std::map<std::string, std::string> books() {
    std::map<std::string, std::string> lines;
    for (const Reply& key : session_->command({"KEYS", kPrefix + "*"}).elements) {
      const std::string kind =
          key.text.substr(kPrefix.size(), key.text.find(':', kPrefix.size()) - kPrefix.size());
      if (kind == "owner" || kind == "lease_blocks") continue;
      const std::string tail = key.text.substr(key.text.rfind(':') + 1);
      if (kind == "holders") {
        std::string all;
        for (const Reply& entry : session_->command({"LRANGE", key.text, "0", "-1"}).elements)
          all += entry.text + '\n';
        lines[kind + ' ' + tail] = all;
        continue;
      }
      const Reply fields = session_->command({"HGETALL", key.text});
      for (std::size_t i = 0; i + 1 < fields.elements.size(); i += 2) {
        const bool of_block = kind == "leases" || kind == "attributes";
        const std::string of = of_block && tail != "0" ? tail : "";
        lines[kind + ' ' + of + fields.elements[i].text] = fields.elements[i + 1].text;
      }
    }
    for (const char* const field : {"token", "name", "writes"}) {
      lines[std::string("owner ") + field] = session_->command({"HGET", kOwner, field}).text;
    }
    return lines;
  }

 private:
  void dial() {
    session_.emplace(server_.unix_endpoint().unix_path, 20);
    session_->command({"FUNCTION", "LOAD", "REPLACE", std::string(redis::function_library_text())});
    synced_ = written();
  }

  std::filesystem::path log() const {
    for (const auto& file : std::filesystem::directory_iterator(server_.directory() / "appendonlydir")) {
      if (file.path().string().ends_with(".incr.aof")) return file.path();
    }
    throw std::runtime_error("redis-server keeps no log");
  }
  std::uintmax_t written() const { return std::filesystem::file_size(log()); }

  RedisServer server_;
  std::optional<RedisSession> session_;
  std::uintmax_t synced_ = 0;
};

std::map<std::string, std::string> lines_of(const Books& books) {
  std::map<std::string, std::string> lines;
  for (const auto& [number, lease] : books.leases) lines["leases " + number] = lease.text();
  for (const auto& [number, text] : books.attributes) lines["attributes " + number] = text;
  for (const auto& [place, number] : books.visits) lines["visits " + place] = number;
  for (const auto& [number, entries] : books.holders) {
    std::string& all = lines["holders " + number];
    for (const std::string& entry : entries) all += entry + '\n';
  }
  lines["owner token"] = books.owner.token;
  lines["owner name"] = books.owner.name;
  lines["owner writes"] = books.writes == 0 ? "" : std::to_string(books.writes);
  return lines;
}

/// Tells the history to a real Redis; returns how many replies were compared. With `syncs_each_write` nothing
/// of it may be lost.
std::size_t tell(const std::vector<Entry>& history, bool syncs_each_write, RealRedis& real) {
  std::size_t compared = 0;
  for (const Entry& entry : history) {
    const bool crashes = entry.kind == Entry::Kind::kCrash;
    if (entry.kind == Entry::Kind::kSynced || (crashes && syncs_each_write)) real.note_synced();
    if (crashes) real.crash();
    if (entry.kind != Entry::Kind::kCommand || entry.command[0] != "FCALL") continue;
    if (entry.command[1] == "ringtrace_v1_claim") real.set_claim_over(entry.claim_over);
    const Reply reply = real.command(entry.command);
    INFO("command " << compared << ": " << entry.command[1]);
    if (comparable(reply) != comparable(entry.reply)) REQUIRE(comparable(reply) == comparable(entry.reply));
    ++compared;
  }
  return compared;
}

pool::Time present() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::size_t compare(std::uint64_t seed, bool syncs_each_write, RealRedis& real) {
  Circumstances circumstances(seed);
  circumstances.syncs_each_write = syncs_each_write;
  if (!syncs_each_write) circumstances.gateways = 1;
  circumstances.has_replica = circumstances.loses_disks = false;
  circumstances.wait_replicas = 0;
  INFO(circumstances.text());
  Simulation simulation(circumstances, present());
  std::vector<Entry> history;
  simulation.redis().history = &history;
  REQUIRE(simulation.run() == "");
  real.empty();
  const std::size_t compared = tell(history, syncs_each_write, real);
  REQUIRE(real.books() == lines_of(simulation.redis().books()));
  return compared;
}

/// A write of some steps, in some state of some leases, in some order; sometimes by who may not. No two steps
/// are of one number or one visit, as the writer promises.
std::vector<std::string> random_write(Dice& dice, Milliseconds now) {
  const auto text = [](Milliseconds time) { return std::to_string(time); };
  // Two blocks of three numbers.
  std::vector<std::uint64_t> numbers = {74'950'000'001, 74'950'000'101, 74'950'000'201,
                                        74'950'100'001, 74'950'100'101, 74'950'100'201};
  std::vector<std::string> visits = {"visit 0", "visit 1", "visit 2", "visit 3", "visit 4"};
  std::vector<std::string> keys = {kOwner, redis::blocks_key("main"), redis::visits_key("main")};
  for (const std::uint64_t digits : {numbers[0], numbers[3]}) {
    keys.push_back(redis::lease_key("main", *pool::Number::from_digits(digits)));
    keys.push_back(redis::attributes_key("main", *pool::Number::from_digits(digits)));
  }
  std::vector<std::string> words;
  const std::uint64_t steps = 1 + dice.below(4);
  for (std::uint64_t i = 0; i < steps; ++i) {
    const auto number = numbers.begin() + static_cast<std::ptrdiff_t>(dice.below(numbers.size()));
    const auto visit = visits.begin() + static_cast<std::ptrdiff_t>(dice.below(visits.size()));
    const std::string digits = std::to_string(*number);
    const std::string word = redis::visit_word(redis::visit_bits(*visit));
    const std::string expire = text(now + dice.between(1, 300'000));
    const std::string hold = dice.one_in(2) ? "30" : "120";
    const std::string at = text(now - dice.between(0, 60'000));
    const Milliseconds before = dice.one_in(3) ? dice.between(0, 200'000) : 0;
    const std::string lease = text(now - before) + ' ' + text(before + dice.between(1, 300'000)) + ' ' +
                              hold + "s" + (dice.one_in(2) ? " my%20ads - " : " ads browser ") + *visit;
    const std::vector<std::vector<std::string>> kinds = {
        {"lease", digits, word, lease},
        {"named", digits, word, lease, "{\"utm_source\":\"google\"}"},
        {"renew", digits, *visit, expire, hold + "000"},
        {"release", digits, word, *visit, at},
        {"expire", digits, word, *visit, at}};
    const std::vector<std::string>& step = kinds[dice.below(kinds.size())];
    words.push_back(step[0]);
    words.push_back(*number < 74'950'100'000 ? "1" : "2");
    words.push_back("1");
    words.insert(words.end(), step.begin() + 1, step.end());
    numbers.erase(number);
    visits.erase(visit);
  }
  const char* const token = dice.one_in(20) ? "0-other" : dice.one_in(20) ? "7-other" : "1-me";
  std::vector<std::string> command = {"FCALL", "ringtrace_v1_write_leases", std::to_string(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  const std::string latest = text(now + 86'400'000);
  for (const std::string& word :
       {std::string(token), text(now), std::string("86400000"), std::string("2"), latest, latest}) {
    command.push_back(word);
  }
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

/// A history of chance, told to both.
std::size_t compare_at_random(std::uint64_t seed, RealRedis& real, std::map<std::string, int>& kinds) {
  INFO("random writes of seed " << seed);
  Dice dice(seed);
  RedisModel model;
  real.empty();
  Milliseconds now = present().time_since_epoch().count();
  const std::vector<std::string> claim = {
      "FCALL", "ringtrace_v1_claim", "1", kOwner, "me", "gateway", "60000", "0", "5", ""};
  REQUIRE(comparable(real.command(claim)) == comparable(model.execute(claim, now, 5)));
  for (int i = 0; i < 40; ++i) {
    now += dice.between(0, 90'000);
    const std::vector<std::string> command = random_write(dice, now);
    const std::string expected = comparable(model.execute(command, now, 5));
    const std::string actual = comparable(real.command(command));
    INFO("write " << i);
    if (actual != expected) REQUIRE(actual == expected);
    for (const char* const kind : {"DONE", ", HELD]", "NOT_HELD", "ELSEWHERE", "FENCED", "UNCLAIMED"}) {
      kinds[kind] += actual.find(kind) != std::string::npos ? 1 : 0;
    }
  }
  REQUIRE(real.books() == lines_of(model.books));
  return 40;
}

}  // namespace

TEST_CASE("a real Redis answers the simulation's histories as the model does, and ends with the same books") {
  RealRedis real;
  std::size_t compared = 0;
  SECTION("killed and back with all of it, or with what was synced") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) compared += compare(seed, seed % 2 == 0, real);
  }
  SECTION("at random") {
    std::map<std::string, int> kinds;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) compared += compare_at_random(seed, real, kinds);
    for (const auto& [kind, times] : kinds) {
      INFO(kind);
      CHECK(times > 0);
    }
  }
  CHECK(compared > 0);
  std::cout << "counted: " << compared << " replies of a real Redis as the model's" << std::endl;
}

}  // namespace ringtrace::store_test
