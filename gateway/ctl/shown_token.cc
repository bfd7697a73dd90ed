#include "gateway/ctl/shown_token.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace ringtrace::ctl {
namespace {

std::string first_word_of(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  std::string word;
  if (file >> word) return word;
  const std::string reason = errno == 0 ? "it is empty" : std::strerror(errno);
  throw std::runtime_error("cannot read a token from " + path + ": " + reason);
}

bool is_token(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

}  // namespace

std::string shown_token(const std::string& file) {
  std::string token;
  if (!file.empty()) {
    token = first_word_of(file);
  } else if (const char* given = std::getenv("RINGTRACE_TOKEN")) {
    token = given;
  }
  if (is_token(token)) return token;
  throw std::runtime_error("what is in " + (file.empty() ? "RINGTRACE_TOKEN" : file) +
                           " is no token: it has characters that no token has");
}

}  // namespace ringtrace::ctl
