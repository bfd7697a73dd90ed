#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/config.h"
#include "sip/digest.h"
#include "sip/own_requests.h"
#include "sip/peer_report.h"

namespace ringtrace::sip {

struct RegistrationStatus {
  RegistrationState state = RegistrationState::kTrying;
  std::optional<Hop> registrar;  ///< the one asked last
  int last_status = 0;           ///< of its answer; 0: none
  SteadyTime expires{};          ///< when the registration ends, if it is not refreshed; while registered
  std::uint64_t refreshes = 0;   ///< successful REGISTERs
  std::uint64_t failures = 0;    ///< REGISTERs that led to nothing
};

/// Keeps one account registered (RFC 3261 section 10.2): says which REGISTER is to be sent when, and is told
/// the answers. Digest by RFC 8760; a nonce is used again with a higher count until the registrar wants
/// another. Refreshes after 0.5 to 0.8 of the time granted. Registrars are tried in order; when none is left,
/// again after a pause that doubles from 5 s to 10 min. SIP thread only.
class Registration {
 public:
  static constexpr Milliseconds kPatience{8000};  ///< for one registrar's answer
  static constexpr std::chrono::seconds kFirstPause{5};
  static constexpr std::chrono::seconds kLongestPause{600};
  static constexpr std::chrono::seconds kLeastExpires{10};
  static constexpr std::chrono::seconds kMostExpires{86'400};

  struct Attempt {
    Hop registrar;
    OwnRequest request;
  };

  /// `contact_user`: what the carrier is to put into the Request-URI.
  Registration(RegistrationConfig config, std::string contact_user, RandomSource random, SteadyTime now);

  /// The REGISTER to be sent now, if any; then answered() is awaited. `places`: where the registrars' names
  /// lead, in their order; `contact_at`: gives "192.0.2.1:5060;transport=tcp" of us as seen from a hop, "" if
  /// it cannot be reached at all.
  std::optional<Attempt> due(const std::vector<Hop>& places,
                             const std::function<std::string(const Hop&)>& contact_at, SteadyTime now);
  /// The final answer to the last attempt; null: none.
  void answered(const Message* response, SteadyTime now);

  const RegistrationStatus& status() const { return status_; }
  const RegistrationConfig& config() const { return config_; }
  /// The attempt with this Call-ID is this registration's.
  bool has_call_id(std::string_view call_id) const { return call_id == call_id_; }

 private:
  OwnRequest request(const std::string& contact);
  void challenged(const Message& response, SteadyTime now);
  void registered(const Message& response, SteadyTime now);
  void next_registrar(SteadyTime now);
  void fail(RegistrationState state, SteadyTime now);
  std::chrono::seconds granted(const Message& response) const;

  const RegistrationConfig config_;
  const std::string contact_user_;
  const RandomSource random_;
  const std::string call_id_;
  const std::string tag_;
  RegistrationStatus status_;
  SteadyTime next_{};
  bool waiting_ = false;
  std::size_t place_ = 0;  ///< index of the registrar in use
  std::size_t places_ = 0;
  std::uint32_t cseq_ = 0;
  std::chrono::seconds expires_;
  std::chrono::seconds pause_ = kFirstPause;
  std::optional<DigestChallenge> challenge_;
  bool for_proxy_ = false;  ///< the challenge was 407
  std::uint32_t nonce_count_ = 0;
  unsigned challenges_ = 0;  ///< in a row
};

}  // namespace ringtrace::sip
