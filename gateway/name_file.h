#pragma once

#include <map>
#include <string>
#include <vector>

#include "sip/endpoint.h"
#include "sip/place.h"

namespace ringtrace::gateway {

/// Where the configuration's names led to last, in a file of the state directory, so that a gateway that
/// starts while DNS is away knows its lines: one line a place, "udp:pbx.example.com PRIORITY WEIGHT
/// ADDRESS:PORT". Without a state directory nothing is remembered. One thread at a time.
class NameFile {
 public:
  using Names = std::map<sip::Target, std::vector<sip::Place>>;

  /// `state_directory` may be empty.
  explicit NameFile(const std::string& state_directory);

  /// What was kept last; lines that cannot be read are left out.
  Names read() const;

  /// Replaces the file as a whole when the names lead elsewhere than before. False when that fails; the old
  /// one stays then, and the next call tries again.
  bool keep(const Names& names);

 private:
  std::string path_;  ///< empty: none
  Names kept_;
};

}  // namespace ringtrace::gateway
