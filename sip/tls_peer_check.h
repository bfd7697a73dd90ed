#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;

namespace ringtrace::sip {

/// True when a certificate is of this domain or address (RFC 5922 section 7.1 and 7.2): its subjectAltName
/// has it as DNS name, sip: URI or IP address; its common name counts only where there is no subjectAltName.
/// Wildcards match nothing.
bool is_certificate_of(const x509_st* certificate, std::string_view name);

/// Who must be at the other end of a TLS connection.
struct TlsPeer {
  std::vector<std::string> names;  ///< domains or addresses: one of them
  /// Told why a connection was refused, on the thread that serves it.
  std::function<void(const std::string& reason)> refused;
};

/// For as long as the object lives, every TLS connection this thread begins must be to the peer that `who`
/// names: its certificate signed by an authority of the connection's own, and of one of the names. It is
/// asked for the first name (SNI, RFC 6066). `who` is asked only when a connection begins.
///
/// sofia-sip makes the connections and looks at signatures only; OpenSSL tells us of each as it is made, and
/// asks us before anything is sent over it.
class TlsPeerCheck {
 public:
  using Who = std::function<std::shared_ptr<const TlsPeer>()>;

  explicit TlsPeerCheck(Who who);
  ~TlsPeerCheck();
  TlsPeerCheck(const TlsPeerCheck&) = delete;
  TlsPeerCheck& operator=(const TlsPeerCheck&) = delete;

 private:
  const Who who_;
  const TlsPeerCheck* outer_;

  friend struct TlsPeerHooks;
};

}  // namespace ringtrace::sip
