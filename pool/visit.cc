#include "pool/visit.h"

#include <algorithm>

namespace ringtrace::pool {
namespace {

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
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
