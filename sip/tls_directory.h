#pragma once

#include <optional>
#include <string>

#include "sip/config.h"

namespace ringtrace::sip {

/// A private directory in the shape sofia-sip reads certificates from ("agent.pem": key and certificate,
/// "cafile.pem": who is believed), for as long as the object lives: the files are read when a socket is
/// bound.
class TlsDirectory {
 public:
  TlsDirectory() = default;
  ~TlsDirectory();
  TlsDirectory(const TlsDirectory&) = delete;
  TlsDirectory& operator=(const TlsDirectory&) = delete;

  /// The error is a sentence that names the file.
  std::optional<std::string> make(const TlsConfig& config);

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ringtrace::sip
