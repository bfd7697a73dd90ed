#include "gateway/readiness.h"

namespace ringtrace::gateway {

void Readiness::not_ready(std::string_view part, std::string reason) {
  const std::lock_guard lock(mutex_);
  reasons_.insert_or_assign(std::string(part), std::move(reason));
}

void Readiness::ready(std::string_view part) {
  const std::lock_guard lock(mutex_);
  if (const auto found = reasons_.find(part); found != reasons_.end()) reasons_.erase(found);
}

bool Readiness::is_ready() const {
  const std::lock_guard lock(mutex_);
  return reasons_.empty();
}

std::vector<std::string> Readiness::reasons() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [part, reason] : reasons_) result.push_back(part + ": " + reason);
  return result;
}

std::string Readiness::json() const {
  const std::vector<std::string> list = reasons();
  std::string result = std::string(R"({"ready":)") + (list.empty() ? "true" : "false") + R"(,"reasons":[)";
  for (std::size_t i = 0; i < list.size(); ++i) result += (i == 0 ? "" : ",") + json_string(list[i]);
  return result + "]}\n";
}

std::string json_string(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20) {
      result += "\\u00";
      result += kHex[byte >> 4];
      result += kHex[byte & 0xF];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace ringtrace::gateway
