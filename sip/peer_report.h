#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sip/endpoint.h"
#include "sip/place.h"

namespace ringtrace::sip {

enum class RegistrationState : std::uint8_t {
  kTrying,       ///< no answer yet
  kRegistered,   ///< calls come in
  kRejected,     ///< the registrar said no: a wrong password, an unknown account
  kUnreachable,  ///< no registrar answers, or their names lead nowhere
};
inline constexpr std::size_t kRegistrationStateCount = 4;
/// "trying", "registered", "rejected", "unreachable".
std::string_view registration_state_name(RegistrationState state);

/// One trunk as an operator sees it.
struct TrunkReport {
  std::string name;
  bool registers = false;
  RegistrationState state = RegistrationState::kTrying;  ///< and the rest: of one that registers
  std::string registrar;                                 ///< "udp:192.0.2.1:5060", the one asked last
  int last_status = 0;
  std::chrono::seconds expires_in{0};  ///< while registered
  std::uint64_t refreshes = 0;
  std::uint64_t failures = 0;
};

/// One place of a line as an operator sees it.
struct LineReport {
  std::string group;
  std::string line;
  std::string place;  ///< "udp:192.0.2.1:5060"; empty: its name leads nowhere
  bool up = true;
};

struct PeerReport {
  std::vector<TrunkReport> trunks;
  std::vector<LineReport> lines;
  std::uint64_t dns_failures = 0;
  std::map<Target, std::vector<Place>> names;  ///< where the configuration's names lead to
};

/// Where the SIP thread hangs the latest report, and any thread reads it.
class PeerBoard {
 public:
  void hang(PeerReport report) {
    const std::lock_guard lock(mutex_);
    report_ = std::move(report);
  }
  PeerReport read() const {
    const std::lock_guard lock(mutex_);
    return report_;
  }

 private:
  mutable std::mutex mutex_;
  PeerReport report_;  ///< guarded by mutex_
};

}  // namespace ringtrace::sip
