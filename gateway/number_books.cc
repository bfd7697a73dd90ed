#include "gateway/number_books.h"

#include <string>
#include <utility>

namespace ringtrace::gateway {
namespace {

redis::NumberWord word_of(rpc::NumberWord word) {
  switch (word) {
    case rpc::NumberWord::kAdded:
      return redis::NumberWord::kAdded;
    case rpc::NumberWord::kDrained:
      return redis::NumberWord::kDrained;
    case rpc::NumberWord::kNothing:
      break;
  }
  return redis::NumberWord::kNothing;
}

}  // namespace

void StoreNumberBook::keep(std::string_view pool, std::span<const pool::Number> numbers, rpc::NumberWord word,
                           Done done) {
  book_.keep(std::string(pool), numbers, word_of(word), std::move(done));
}

}  // namespace ringtrace::gateway
