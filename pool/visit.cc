#include "pool/visit.h"

#include <algorithm>

#include "pool/text_words.h"

namespace ringtrace::pool {
namespace {

/// Eight bytes at once: not 0 when one of the word's is below 0x20 or is 0x7F.
constexpr std::uint64_t control_characters(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101ULL;
  const auto below = [](std::uint64_t bytes, std::uint64_t bound) {
    return (bytes - kOnes * bound) & ~bytes & (kOnes * 0x80);
  };
  return below(word, 0x20) | below(word ^ (kOnes * 0x7F), 1);
}

bool has_control_character(std::string_view text) {
  constexpr std::uint64_t kSpaces = 0x2020'2020'2020'2020ULL;
  std::uint64_t found = 0;
  const std::size_t whole = text.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) found |= control_characters(load_word(text.data() + i));
  const std::size_t rest = text.size() - whole;
  if (rest > 0) found |= control_characters(load_tail(text) | kSpaces << (8 * rest));
  return found != 0;
}

}  // namespace

bool is_valid_visit_id(std::string_view text) {
  return !text.empty() && text.size() <= VisitId::kMaxBytes && !has_control_character(text);
}

bool is_valid_visitor_id(std::string_view text) {
  return text.size() <= VisitorId::kMaxBytes && !has_control_character(text);
}

bool is_valid_pool_name(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= PoolName::kMaxBytes && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace ringtrace::pool
