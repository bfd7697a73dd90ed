#include "sip/tls_directory.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace ringtrace::sip {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

// Appends one file to another; false when either cannot be had.
bool append(const std::string& from, std::ofstream& to) {
  std::ifstream file(from, std::ios::binary);
  if (!file || std::filesystem::is_directory(from)) return false;
  to << file.rdbuf() << '\n';
  return to.good();
}

}  // namespace

TlsDirectory::~TlsDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::optional<std::string> TlsDirectory::make(const TlsConfig& config) {
  std::string path = (std::filesystem::temp_directory_path() / "ringtrace-tls-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    return "TLS: no temporary directory: " + std::string(std::strerror(errno));
  }
  path_ = path;  // mode 0700: the key is in there
  std::ofstream agent(path_ + "/agent.pem", std::ios::binary);
  if (!append(config.key, agent)) return "TLS: the key '" + config.key + "' cannot be read";
  if (!append(config.certificate, agent))
    return "TLS: the certificate '" + config.certificate + "' cannot be read";
  const std::string authorities = config.authorities.empty() ? kSystemAuthorities : config.authorities;
  std::ofstream believed(path_ + "/cafile.pem", std::ios::binary);
  if (!append(authorities, believed)) return "TLS: the authorities '" + authorities + "' cannot be read";
  return std::nullopt;
}

}  // namespace ringtrace::sip
