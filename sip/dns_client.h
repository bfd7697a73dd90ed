#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sip/name_cache.h"

namespace ringtrace::sip {

/// Asks DNS, in a thread of its own, by c-ares: SRV, then A and AAAA (RFC 3263 section 4.2, RFC 2782). Any
/// thread may ask; answers come on the client's thread. At most kMaximum questions at one time: the next one
/// is answered with nothing.
class DnsClient {
 public:
  static constexpr std::size_t kMaximum = 1024;
  using Done = std::function<void(NameAnswer answer)>;

  /// `servers`: such as "192.0.2.53:53"; empty: those of the system.
  explicit DnsClient(const std::vector<std::string>& servers);
  /// Questions under way are dropped unanswered.
  ~DnsClient();
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  /// Why no name can be asked for; nothing when all is well.
  const std::optional<std::string>& problem() const { return problem_; }

  void ask(const Target& name, Done done);

 private:
  struct Worker;
  std::unique_ptr<Worker> worker_;
  std::optional<std::string> problem_;
};

}  // namespace ringtrace::sip
