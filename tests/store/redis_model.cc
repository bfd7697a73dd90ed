#include "tests/store/redis_model.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

#include "redis/keys.h"

namespace ringtrace::store_test {
namespace {

using redis::Reply;

constexpr std::size_t kMostHolders = 4096;
constexpr int kTrimHolders = 8;

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

Reply word(const char* text) { return array_reply({text_reply(text)}); }

/// Of a step: nothing when all is as it asked for.
Reply done(Milliseconds asked, Milliseconds at) {
  return asked == at ? Reply{} : array_reply({text_reply("DONE"), integer_reply(at)});
}

/// The part of a key behind its last colon: a block.
std::string tail_of(const std::string& key) { return key.substr(key.rfind(':') + 1); }

/// All but the last five digits of a number.
std::string block_of(const std::string& number) {
  return number.size() > 5 ? number.substr(0, number.size() - 5) : "0";
}

/// The last five digits of a number.
std::string field_of(const std::string& number) {
  return number.size() > 5 ? number.substr(number.size() - 5) : number;
}

/// The number of a block's key and a field.
std::string number_of_field(const std::string& key, const std::string& field) {
  const std::string block = tail_of(key);
  return block == "0" ? field : block + field;
}

std::string span(Milliseconds length) {
  return length % 1000 == 0 ? std::to_string(length / 1000) + 's' : std::to_string(length);
}

Milliseconds length_of(const std::string& span) { return number_of(span) * (span.ends_with('s') ? 1000 : 1); }

std::string take_word(std::string& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  std::string word = text.substr(0, end);
  text.erase(0, end + 1);
  return word;
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
  return std::to_string(start) + ' ' + (over ? "ended:" : "") + span(end - start) + ' ' + span(hold) + ' ' +
         source + ' ' + visitor + ' ' + visit;
}

Books::Lease Books::Lease::parse(const std::string& text) {
  std::string rest = text;
  Lease lease;
  lease.start = number_of(take_word(rest));
  std::string length = take_word(rest);
  lease.over = length.starts_with("ended:");
  if (lease.over) length.erase(0, length.find(':') + 1);
  lease.end = lease.start + length_of(length);
  lease.hold = length_of(take_word(rest));
  lease.source = take_word(rest);
  lease.visitor = take_word(rest);
  lease.visit = rest;
  return lease;
}

/// One step of a write, its words behind the kind: "lease number word text", "named number word text
/// attributes", "renew number visit expire hold", "release number word visit end" or "expire number word
/// visit end".
struct RedisModel::Step {
  Milliseconds now, retention;
  const std::string* words;
  bool has_attributes;

  const std::string& number() const { return words[0]; }
  const std::string& visit_word() const { return words[1]; }
  Milliseconds time(int word) const { return number_of(words[word]); }
};

void RedisModel::forget_visit(const std::string& number, const std::string& visit) {
  const auto found = books.visits.find(redis::visit_word(redis::visit_bits(visit)));
  if (found != books.visits.end() && found->second == number) books.visits.erase(found);
}

void RedisModel::log_holder(const Step& step, const Books::Lease& lease) {
  const Milliseconds oldest = step.now - step.retention;
  if (lease.end < oldest) return;
  std::deque<std::string>& holders = books.holders[step.number()];
  holders.push_front(std::to_string(lease.start) + ' ' + std::to_string(lease.end) + ' ' + lease.source +
                     ' ' + lease.visitor + ' ' + lease.visit);
  for (int i = 0; i < kTrimHolders; ++i) {
    const std::string& last = holders.back();
    if (number_of(last.substr(last.find(' ') + 1)) >= oldest && holders.size() <= kMostHolders) break;
    holders.pop_back();
  }
}

Reply RedisModel::lease(const Step& step) {
  Books::Lease fresh = Books::Lease::parse(step.words[2]);
  const Milliseconds asked = fresh.end;
  const auto found = books.leases.find(step.number());
  const bool known = found != books.leases.end();
  const bool back = known && found->second.visit != fresh.visit && found->second.visitor == fresh.visitor &&
                    fresh.visitor != "-" && found->second.end <= std::min(fresh.start, step.now);
  const bool stands = known && !back && found->second.bound_until() > step.now;
  // An entry of the index points only: the lease it points to says whose it is.
  const auto entry = books.visits.find(step.visit_word());
  if (entry != books.visits.end() && entry->second != step.number()) {
    const auto elsewhere = books.leases.find(entry->second);
    if (elsewhere != books.leases.end() && elsewhere->second.visit == fresh.visit &&
        elsewhere->second.bound_until() > step.now) {
      return array_reply(
          {text_reply("ELSEWHERE"), integer_reply(elsewhere->second.end), text_reply(elsewhere->first)});
    }
  }
  if (stands) {
    const Books::Lease& held = found->second;
    if (held.visit != fresh.visit) return word("HELD");
    fresh.start = held.start;
    fresh.end = std::max(held.end, fresh.end);
  } else if (known) {
    const Books::Lease held = found->second;
    if (held.visit != fresh.visit || held.start != fresh.start) log_holder(step, held);
    if (held.visit != fresh.visit) forget_visit(step.number(), held.visit);
  }
  books.visits[step.visit_word()] = step.number();
  books.leases[step.number()] = fresh;
  if (step.has_attributes) {
    books.attributes[step.number()] = step.words[3];
  } else if (known && !stands) {
    books.attributes.erase(step.number());
  }
  return done(asked, fresh.end);
}

Reply RedisModel::renew(const Step& step) {
  const auto found = books.leases.find(step.number());
  if (found == books.leases.end() || found->second.visit != step.words[1] ||
      found->second.bound_until() <= step.now) {
    return word("NOT_HELD");
  }
  Books::Lease& lease = found->second;
  lease.end = std::max(lease.end, step.time(2));
  lease.over = false;
  lease.hold = step.time(3);
  return done(step.time(2), lease.end);
}

Reply RedisModel::release(const Step& step) {
  const auto found = books.leases.find(step.number());
  if (found == books.leases.end() || found->second.visit != step.words[2]) return word("NOT_HELD");
  Books::Lease& lease = found->second;
  if (!lease.over) {
    lease.end = std::max(lease.start, step.time(3));
    lease.over = true;
    books.visits[step.visit_word()] = step.number();
  }
  return done(step.time(3), lease.end);
}

Reply RedisModel::expire(const Step& step) {
  const auto found = books.leases.find(step.number());
  if (found != books.leases.end() && found->second.visit == step.words[2] && !found->second.over &&
      found->second.end > step.time(3)) {
    return array_reply({text_reply("DONE"), integer_reply(found->second.end)});
  }
  return release(step);
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

/// FCALL ringtrace_v1_write_leases keys owner blocks visits (leases attributes)… token now retention
/// blocks_count leases_until visits_until (kind block count steps…)…
Reply RedisModel::write_leases(const Words& command) {
  using Run = Reply (RedisModel::*)(const Step&);
  struct Kind {
    Run run;
    std::size_t words;
  };
  static const std::map<std::string, Kind> kinds = {{"lease", {&RedisModel::lease, 3}},
                                                    {"named", {&RedisModel::lease, 4}},
                                                    {"renew", {&RedisModel::renew, 4}},
                                                    {"release", {&RedisModel::release, 4}},
                                                    {"expire", {&RedisModel::expire, 4}}};
  std::size_t at = 3 + static_cast<std::size_t>(number_of(command[2]));
  Reply refusal;
  if (refuses(command[at], refusal)) return refusal;
  Step step{number_of(command[at + 1]), number_of(command[at + 2]), nullptr, false};
  std::vector<Reply> answers = {text_reply("WRITTEN"),
                                integer_reply(static_cast<std::int64_t>(++books.writes))};
  std::int64_t place = 0;
  for (at += 6; at < command.size();) {
    const Kind& kind = kinds.at(command[at]);
    step.has_attributes = command[at] == "named";
    const Milliseconds count = number_of(command[at + 2]);
    at += 3;
    for (Milliseconds i = 0; i < count; ++i, ++place, at += kind.words) {
      step.words = &command[at];
      Reply answer = (this->*kind.run)(step);
      if (!answer.is_array()) continue;
      answer.elements.insert(answer.elements.begin(), integer_reply(place));
      answers.push_back(std::move(answer));
    }
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
  if (verb == "FCALL" && command[1] == "ringtrace_v1_write_leases") return write_leases(command);
  if (verb == "FCALL" && command[1] == "ringtrace_v1_claim") return claim(command, now);
  if (verb == "FCALL" && command[1] == "ringtrace_v1_keep_claim") return keep_claim(command, now);
  if (verb == "CONFIG") {
    return array_reply({text_reply("appendonly"), text_reply("yes"), text_reply("appendfsync"),
                        text_reply(syncs_each_write ? "always" : "everysec"),
                        text_reply("no-appendfsync-on-rewrite"), text_reply("no")});
  }
  if (verb == "CLIENT" && command[1] == "ID") return integer_reply(client);
  if (verb == "INFO") return text_reply("run_id:" + run_id + "\r\n");
  if (verb == "SSCAN") {
    std::set<std::string> blocks;
    for (const auto& [number, lease] : books.leases) blocks.insert(block_of(number));
    std::vector<Reply> members;
    for (const std::string& block : blocks) members.push_back(text_reply(block));
    return array_reply({text_reply("0"), array_reply(std::move(members))});
  }
  if (verb == "EXISTS") return integer_reply(books.attributes.empty() ? 0 : 1);
  if (verb == "HSCAN") {
    std::vector<Reply> fields;
    const bool of_leases = command[1].find(":leases:") != std::string::npos;
    for (const auto& [number, lease] : books.leases) {
      if (!of_leases || block_of(number) != tail_of(command[1])) continue;
      fields.push_back(text_reply(field_of(number)));
      fields.push_back(text_reply(lease.text()));
    }
    return array_reply({text_reply("0"), array_reply(std::move(fields))});
  }
  if (verb == "HMGET") {
    std::vector<Reply> texts;
    for (std::size_t i = 2; i < command.size(); ++i) {
      const auto found = books.attributes.find(number_of_field(command[1], command[i]));
      texts.push_back(found == books.attributes.end() ? Reply{} : text_reply(found->second));
    }
    return array_reply(std::move(texts));
  }
  throw std::logic_error("the model of Redis does not know " + verb);
}

}  // namespace ringtrace::store_test
