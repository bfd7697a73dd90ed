#include "gateway/config_mistakes.h"

#include <algorithm>
#include <tuple>

namespace ringtrace::gateway {

std::string Mistake::text() const {
  std::string result = file;
  if (line != 0) result += ":" + std::to_string(line);
  result += ": " + what;
  if (!expected.empty()) result += "; expected " + expected;
  if (!meant.empty()) result += "; did you mean '" + meant + "'?";
  return result;
}

void Mistakes::add(std::uint32_t line, std::string what, std::string expected, std::string_view meant) {
  add_in(file_, line, std::move(what), std::move(expected), meant);
}

void Mistakes::add_in(std::string file, std::uint32_t line, std::string what, std::string expected,
                      std::string_view meant) {
  if (++count_ > kMost) return;
  list_.push_back(Mistake{std::move(file), line, std::move(what), std::move(expected), std::string(meant)});
}

std::vector<Mistake> Mistakes::sorted() const {
  std::vector<Mistake> result = list_;
  std::stable_sort(result.begin(), result.end(), [this](const Mistake& a, const Mistake& b) {
    return std::tuple(a.file != file_, a.file, a.line) < std::tuple(b.file != file_, b.file, b.line);
  });
  return result;
}

std::string Mistakes::text() const {
  std::string result;
  for (const Mistake& mistake : sorted()) result += mistake.text() + "\n";
  if (count_ > list_.size()) {
    result += file_ + ": and " + std::to_string(count_ - list_.size()) + " more mistakes\n";
  }
  return result;
}

}  // namespace ringtrace::gateway
