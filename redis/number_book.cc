#include "redis/number_book.h"

#include <memory>
#include <string_view>
#include <utility>

#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

constexpr std::string_view kAddedWord = "added";
constexpr std::string_view kDrainedWord = "drained";

}  // namespace

void RedisNumberBook::keep(const std::string& pool, std::span<const pool::Number> numbers, NumberWord word,
                           KeepDone done) {
  const std::string key = numbers_key(pool);
  std::vector<std::string> digits;
  digits.reserve(numbers.size());
  for (const pool::Number number : numbers) digits.push_back(std::to_string(number.digits()));
  std::vector<std::string_view> arguments = {word == NumberWord::kNothing ? "HDEL" : "HSET", key};
  for (const std::string& one : digits) {
    arguments.push_back(one);
    if (word != NumberWord::kNothing) {
      arguments.push_back(word == NumberWord::kAdded ? kAddedWord : kDrainedWord);
    }
  }
  connection_.execute(Command(arguments), [done = std::move(done)](const Answer& answer) {
    done(answer.outcome == Outcome::kReplied && !answer.reply.is_error());
  });
}

struct RedisNumberBook::Load {
  std::string key;
  Batch batch;
  Loaded loaded;
};

void RedisNumberBook::load(const std::string& pool, Batch batch, Loaded loaded) {
  const auto load = std::make_shared<Load>();
  load->key = numbers_key(pool);
  load->batch = std::move(batch);
  load->loaded = std::move(loaded);
  scan(connection_, load, "0");
}

void RedisNumberBook::scan(Connection& connection, const std::shared_ptr<Load>& load,
                           const std::string& cursor) {
  connection.execute(Command({"HSCAN", load->key, cursor, "COUNT", "1000"}),
                     [&connection, load](const Answer& answer) {
                       if (answer.outcome != Outcome::kReplied) return load->loaded(answer.detail);
                       if (answer.reply.elements.size() != 2) return load->loaded(answer.reply.text);
                       std::vector<KeptNumber> numbers;
                       const std::vector<Reply>& entries = answer.reply.elements[1].elements;
                       for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
                         const auto number = pool::Number::parse(entries[i].text);
                         const bool drained = entries[i + 1].is(kDrainedWord);
                         if (!number || (!drained && !entries[i + 1].is(kAddedWord))) continue;
                         numbers.push_back({*number, drained ? NumberWord::kDrained : NumberWord::kAdded});
                       }
                       if (!numbers.empty()) load->batch(std::move(numbers));
                       const std::string& next = answer.reply.elements[0].text;
                       if (next == "0") return load->loaded({});
                       scan(connection, load, next);
                     });
}

}  // namespace ringtrace::redis
