#include "tests/store/redis_model.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

namespace ringtrace::store_test {
namespace {

using redis::Reply;

constexpr std::size_t kMostHolders = 4096;
constexpr int kTrimHolders = 8;
constexpr std::uint64_t kNumbersInBlock = 128;

Milliseconds number_of(std::string_view text) {
  Milliseconds value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Reply integer_reply(std::int64_t value) {
  Reply reply;
  reply.kind = Reply::Kind::kInteger;
  reply.integer = value;
  return reply;
}

Reply array_reply(std::vector<Reply> elements) {
  Reply reply;
  reply.kind = Reply::Kind::kArray;
  reply.elements = std::move(elements);
  return reply;
}

Reply done(Milliseconds at) { return array_reply({text_reply("DONE"), integer_reply(at)}); }
Reply word(const char* text) { return array_reply({text_reply(text)}); }

std::string block_of(const std::string& number) {
  return std::to_string(static_cast<std::uint64_t>(number_of(number)) / kNumbersInBlock);
}

}  // namespace

Reply text_reply(std::string text) {
  Reply reply;
  reply.kind = Reply::Kind::kString;
  reply.text = std::move(text);
  return reply;
}

Reply error_reply(std::string text) {
  Reply reply = text_reply(std::move(text));
  reply.kind = Reply::Kind::kError;
  return reply;
}

std::string to_text(const Reply& reply) {
  if (reply.is_nil()) return "nil";
  if (reply.kind == Reply::Kind::kInteger) return std::to_string(reply.integer);
  if (!reply.is_array()) return (reply.is_error() ? "!" : "") + reply.text;
  std::string text = "[";
  for (const Reply& element : reply.elements) text += (text.size() > 1 ? ", " : "") + to_text(element);
  return text + "]";
}

std::vector<std::string> words_of(std::string_view bytes) {
  std::size_t at = 1;
  const auto count_to_line_end = [&] {
    const std::size_t end = bytes.find("\r\n", at);
    const auto value = static_cast<std::size_t>(number_of(bytes.substr(at, end - at)));
    at = end + 2;
    return value;
  };
  std::vector<std::string> words(count_to_line_end());
  for (std::string& each : words) {
    ++at;  // '$'
    const std::size_t size = count_to_line_end();
    each = bytes.substr(at, size);
    at += size + 2;
  }
  return words;
}

std::string Books::Lease::text() const {
  return std::to_string(start) + ' ' + std::to_string(expire) + ' ' + std::to_string(ended) + ' ' +
         std::to_string(hold) + ' ' + source + ' ' + visitor + ' ' + visit;
}

std::string Books::Visit::text() const {
  return number + ' ' + std::to_string(expire) + ' ' + std::to_string(ended) + ' ' + std::to_string(hold);
}

/// One step of a write: "lease number visit start expire hold source visitor attributes",
/// "renew number visit expire hold", "release number visit end" or "expire number visit end".
struct RedisModel::Step {
  Milliseconds now, retention;
  std::uint64_t index;
  const std::string* words;  ///< behind the kind

  const std::string& number() const { return words[0]; }
  const std::string& visit() const { return words[1]; }
  Milliseconds time(int word) const { return number_of(words[word]); }
};

void RedisModel::write(const std::string& number, const Books::Lease& lease) {
  books.leases[number] = lease;
  books.visits[lease.visit] = {number, lease.expire, lease.ended, lease.hold};
}

void RedisModel::log_holder(const Step& step, const Books::Lease& lease) {
  const Milliseconds oldest = step.now - step.retention;
  if (lease.end() < oldest) return;
  std::deque<std::string>& holders = books.holders[step.number()];
  holders.push_front(std::to_string(lease.start) + ' ' + std::to_string(lease.end()) + ' ' + lease.source +
                     ' ' + lease.visitor + ' ' + lease.visit);
  for (int i = 0; i < kTrimHolders; ++i) {
    const std::string& last = holders.back();
    if (number_of(last.substr(last.find(' ') + 1)) >= oldest && holders.size() <= kMostHolders) break;
    holders.pop_back();
  }
}

Reply RedisModel::lease(const Step& step) {
  const auto elsewhere = books.visits.find(step.visit());
  if (elsewhere != books.visits.end() && elsewhere->second.number != step.number() &&
      elsewhere->second.bound_until() > step.now) {
    return array_reply({text_reply("ELSEWHERE"), integer_reply(elsewhere->second.end()),
                        text_reply(elsewhere->second.number)});
  }
  Books::Lease fresh{step.time(2), step.time(3), 0, step.time(4), step.words[5], step.words[6], step.visit()};
  const auto found = books.leases.find(step.number());
  const bool held = found != books.leases.end();
  bool again = false;
  if (held && found->second.bound_until() > step.now) {
    if (found->second.visit != step.visit()) return word("HELD");
    again = true;
    fresh.start = found->second.start;
    fresh.expire = std::max(found->second.end(), fresh.expire);
  } else if (held && !(found->second.visit == step.visit() && found->second.start == fresh.start)) {
    log_holder(step, found->second);
  }
  write(step.number(), fresh);
  if (!step.words[7].empty()) {
    books.attributes[step.number()] = step.words[7];
  } else if (held && !again) {
    books.attributes.erase(step.number());
  }
  return done(fresh.expire);
}

Reply RedisModel::renew(const Step& step) {
  const auto found = books.leases.find(step.number());
  if (found == books.leases.end() || found->second.visit != step.visit() ||
      found->second.bound_until() <= step.now) {
    return word("NOT_HELD");
  }
  Books::Lease lease = found->second;
  lease.expire = std::max(lease.end(), step.time(2));
  lease.ended = 0;
  lease.hold = step.time(3);
  write(step.number(), lease);
  return done(lease.expire);
}

Reply RedisModel::finish(const Step& step, Books::Lease lease, Milliseconds at) {
  if (lease.ended == 0) {
    lease.ended = std::max(lease.start, at);
    write(step.number(), lease);
  }
  return done(lease.ended);
}

Reply RedisModel::release(const Step& step) {
  const auto found = books.leases.find(step.number());
  if (found == books.leases.end() || found->second.visit != step.visit()) return word("NOT_HELD");
  return finish(step, found->second, step.time(2));
}

Reply RedisModel::expire(const Step& step) {
  const auto found = books.leases.find(step.number());
  if (found == books.leases.end() || found->second.visit != step.visit()) return word("NOT_HELD");
  if (found->second.ended == 0 && found->second.expire > step.time(2)) return done(found->second.expire);
  return finish(step, found->second, step.time(2));
}

bool RedisModel::refuses(const std::string& token, Reply& refusal) const {
  const Books::Owner& owner = books.owner;
  if (owner.token == token || !fences) return false;
  if (number_of(owner.token) < number_of(token)) {
    refusal = word("UNCLAIMED");
  } else {
    refusal =
        array_reply({text_reply("FENCED"), text_reply(owner.name), text_reply(std::to_string(owner.since))});
  }
  return true;
}

/// FCALL ringtrace_v1_write keys owner blocks (block visits attributes holders)… token now retention steps…
Reply RedisModel::write_all(const Words& command) {
  using Run = Reply (RedisModel::*)(const Step&);
  struct Kind {
    Run run;
    std::size_t words;
  };
  static const std::map<std::string, Kind> kinds = {{"lease", {&RedisModel::lease, 8}},
                                                    {"renew", {&RedisModel::renew, 4}},
                                                    {"release", {&RedisModel::release, 3}},
                                                    {"expire", {&RedisModel::expire, 3}}};
  std::size_t at = 3 + static_cast<std::size_t>(number_of(command[2]));
  Reply refusal;
  if (refuses(command[at], refusal)) return refusal;
  Step step{number_of(command[at + 1]), number_of(command[at + 2]), 0, nullptr};
  std::vector<Reply> answers = {text_reply("WRITTEN"),
                                integer_reply(static_cast<std::int64_t>(++books.writes))};
  for (at += 3; at < command.size(); ++step.index) {
    const Kind& kind = kinds.at(command[at]);
    step.words = &command[at + 1];
    answers.push_back((this->*kind.run)(step));
    at += 1 + kind.words;
  }
  return array_reply(std::move(answers));
}

/// FCALL ringtrace_v1_claim 1 owner instance name length seen client gone
Reply RedisModel::claim(const Words& command, Milliseconds now) {
  const std::string& instance = command[4];
  const Books::Owner was = books.owner;
  const auto dash = was.token.find('-');
  const std::string theirs = dash == std::string::npos ? "" : was.token.substr(dash + 1);
  const Milliseconds left = was.until - now;
  if (!theirs.empty() && theirs != instance && left > 0 && was.token != command[9]) {
    return array_reply({text_reply("OWNED"), text_reply(was.token), text_reply(was.name),
                        text_reply(std::to_string(was.since)), integer_reply(left), text_reply(was.client),
                        text_reply(was.run_id)});
  }
  const Milliseconds counter = number_of(was.token), seen = number_of(command[7]);
  Books::Owner& owner = books.owner;
  if (theirs != instance || counter < seen) {
    owner.token = std::to_string(std::max(counter, seen) + 1) + '-' + instance;
    owner.since = now;
  }
  owner.name = command[5];
  owner.until = now + number_of(command[6]);
  owner.client = command[8];
  owner.run_id = run_id;
  owner.replid = replid;
  return array_reply({text_reply("CLAIMED"), text_reply(owner.token), text_reply(std::to_string(owner.since)),
                      integer_reply(static_cast<std::int64_t>(books.writes)), text_reply(run_id),
                      text_reply(replid), text_reply(was.token), text_reply(was.run_id),
                      text_reply(was.replid)});
}

/// FCALL ringtrace_v1_keep_claim 1 owner token length
Reply RedisModel::keep_claim(const Words& command, Milliseconds now) {
  Reply refusal;
  if (refuses(command[4], refusal)) return refusal;
  books.owner.until = now + number_of(command[5]);
  return word("KEPT");
}

Reply RedisModel::execute(const Words& command, Milliseconds now, std::int64_t client) {
  const std::string& verb = command[0];
  if (verb == "FCALL" && command[1] == "ringtrace_v1_write") return write_all(command);
  if (verb == "FCALL" && command[1] == "ringtrace_v1_claim") return claim(command, now);
  if (verb == "FCALL" && command[1] == "ringtrace_v1_keep_claim") return keep_claim(command, now);
  if (verb == "CONFIG") {
    return array_reply({text_reply("appendonly"), text_reply("yes"), text_reply("appendfsync"),
                        text_reply(syncs_each_write ? "always" : "everysec"),
                        text_reply("no-appendfsync-on-rewrite"), text_reply("no")});
  }
  if (verb == "CLIENT" && command[1] == "ID") return integer_reply(client);
  if (verb == "INFO") return text_reply("run_id:" + run_id + "\r\n");
  if (verb == "HSCAN") return array_reply({text_reply("0"), array_reply({})});
  if (verb == "SSCAN") {
    std::set<std::string> blocks;
    for (const auto& [number, lease] : books.leases) blocks.insert(block_of(number));
    std::vector<Reply> members;
    for (const std::string& block : blocks) members.push_back(text_reply(block));
    return array_reply({text_reply("0"), array_reply(std::move(members))});
  }
  if (verb == "HGETALL") {
    const std::string& key = command[1];
    const std::string block = key.substr(key.rfind(':') + 1);
    std::vector<Reply> fields;
    const auto add = [&](const std::string& number, std::string text) {
      if (block_of(number) != block) return;
      fields.push_back(text_reply(number));
      fields.push_back(text_reply(std::move(text)));
    };
    if (key.find(":lease:") != std::string::npos) {
      for (const auto& [number, lease] : books.leases) add(number, lease.text());
    } else {
      for (const auto& [number, text] : books.attributes) add(number, text);
    }
    return array_reply(std::move(fields));
  }
  throw std::logic_error("the model of Redis does not know " + verb);
}

}  // namespace ringtrace::store_test
