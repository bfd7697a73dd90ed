#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ringtrace::bench {

/// The messages of bench/sip/uac.xml and uas.xml, written without an engine for scenarios: all that a call's
/// two sides say, made from what they were told. Not a SIP stack: it reads what a proxy makes of these
/// messages, rows written as RFC 3261 writes them.
class FloodMessages {
 public:
  struct Ports {
    std::uint16_t caller = 0;
    std::uint16_t line = 0;
    std::uint16_t proxy = 0;
  };

  FloodMessages(std::string number, Ports ports) : number_(std::move(number)), ports_(ports) {}

  /// The first message of a call; its Call-ID tells `index`.
  std::string invite(std::uint64_t index) const;
  /// The ACK of a refusal: it belongs to the INVITE's transaction.
  std::string acknowledgement(std::string_view refusal) const;
  /// The caller's ACK or BYE in the dialog that the answer begins.
  std::string in_dialog(std::string_view answer, std::string_view method, int cseq) const;
  /// The line's answers to an INVITE, and to a BYE.
  std::string ringing(std::string_view invite) const { return response(invite, "180 Ringing", ""); }
  std::string answer(std::string_view invite) const;
  std::string goodbye(std::string_view bye) const { return response(bye, "200 OK", ""); }

  /// Which call a message is of; beyond any call when it is of none.
  static std::uint64_t index_of(std::string_view message);
  /// Of a response; 0 of a request.
  static int status_of(std::string_view message);
  /// An answer to an INVITE, not to a BYE.
  static bool is_to_invite(std::string_view response);

 private:
  std::string response(std::string_view request, std::string_view status, std::string_view body) const;
  std::string at_caller() const;
  std::string called() const;
  std::string via(std::string_view branch) const;

  const std::string number_;
  const Ports ports_;
};

}  // namespace ringtrace::bench
