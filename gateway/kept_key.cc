#include "gateway/kept_key.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "proto/hex_text.h"

namespace ringtrace::gateway {
namespace {

constexpr std::size_t kKeyBytes = 32;

/// 32 random bytes as 64 hexadecimal digits.
std::string random_key() {
  std::array<unsigned char, kKeyBytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  return hex_text(bytes);
}

/// Makes the file with a fresh key; an error number, or 0. Of two processes at once one makes it.
int make_key_file(const std::string& path) {
  const std::string line = random_key() + "\n";
  const std::string fresh = path + "." + std::to_string(getpid());
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  int error = 0;
  if (write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size()) || fsync(file) != 0) {
    error = errno != 0 ? errno : ENOSPC;
  }
  close(file);
  // A link never shows half a key, and fails when another process was first.
  if (error == 0 && link(fresh.c_str(), path.c_str()) != 0 && errno != EEXIST) error = errno;
  unlink(fresh.c_str());
  return error;
}

}  // namespace

std::variant<KeptKey, std::string> kept_key(const std::string& configured, const std::string& state_directory,
                                            const char* file) {
  if (!configured.empty()) return KeptKey{configured, true};
  if (state_directory.empty()) return KeptKey{random_key(), false};

  std::error_code error;
  std::filesystem::create_directories(state_directory, error);
  const std::string path = (std::filesystem::path(state_directory) / file).string();
  if (!std::filesystem::exists(path)) {
    if (const int problem = make_key_file(path); problem != 0) {
      return "[gateway] state_directory: " + path + " cannot be made: " + std::strerror(problem);
    }
  }
  std::string key;
  std::ifstream content(path);
  if (!std::getline(content, key) || key.size() < kKeyBytes) {
    return "[gateway] state_directory: " + path + " cannot be read, or holds no key; remove it for a new one";
  }
  return KeptKey{std::move(key), true};
}

}  // namespace ringtrace::gateway
