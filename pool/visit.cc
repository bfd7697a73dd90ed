#include "pool/visit.h"

#include <algorithm>

#include "pool/text_words.h"

namespace ringtrace::pool {
namespace {

bool has_control_character(std::string_view text) {
  std::uint64_t found = 0;
  const std::size_t whole = text.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) found |= control_characters(load_word(text.data() + i));
  const std::size_t rest = text.size() - whole;
  if (rest > 0) found |= control_characters(load_tail(text), rest);
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
