#include "gateway/ctl/connection_check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

namespace ringtrace::ctl {
namespace {

using boost::asio::ip::tcp;
using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;

constexpr long kPatienceSeconds = 3;

struct HostPort {
  std::string host;
  std::string port;
};

std::optional<HostPort> split(const std::string& server) {
  const std::size_t colon = server.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = server.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{host, server.substr(colon + 1)};
}

/// What OpenSSL last had to say, without its own file and line.
std::string last_reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  return text == nullptr ? "the connection was closed" : text;
}

void set_patience(int socket) {
  const timeval patience{kPatienceSeconds, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void expect_host(SSL& session, const std::string& host) {
  boost::system::error_code is_name;
  const auto address = boost::asio::ip::make_address(host, is_name);
  if (is_name) {
    SSL_set1_host(&session, host.c_str());
    SSL_set_tlsext_host_name(&session, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(&session), address.to_string().c_str());
  }
}

/// With TLS 1.3 a client is done before the gateway has looked at its certificate; only the first read tells
/// that it was refused, and a gateway of this gRPC version closes the connection without saying why.
std::optional<std::string> refusal_of_our_certificate(const Common& common, SSL& session) {
  char byte = 0;
  if (SSL_read(&session, &byte, 1) > 0 || ERR_peek_last_error() == 0) return std::nullopt;
  const X509* ours = SSL_get_certificate(&session);
  if (ours == nullptr) return "the gateway asks for a certificate: --tls-cert and --tls-key";
  if (X509_cmp_current_time(X509_get0_notAfter(ours)) < 0) {
    return "our certificate " + common.tls_certificate + " has expired, and the gateway refuses it";
  }
  return "the gateway refuses our certificate " + common.tls_certificate +
         ": none of its clients' authorities";
}

std::optional<std::string> why_no_tls(const Common& common, const std::string& host, int socket) {
  const Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (common.tls_ca.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_locations(context.get(), common.tls_ca.c_str(), nullptr) != 1) {
    return common.tls_ca + ": " + last_reason();
  }
  if (!common.tls_certificate.empty() &&
      (SSL_CTX_use_certificate_chain_file(context.get(), common.tls_certificate.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context.get(), common.tls_key.c_str(), SSL_FILETYPE_PEM) != 1)) {
    return common.tls_certificate + ": " + last_reason();
  }
  const Session session(SSL_new(context.get()), &SSL_free);
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(session.get(), kHttp2, sizeof kHttp2);
  expect_host(*session, host);
  SSL_set_fd(session.get(), socket);
  if (SSL_connect(session.get()) == 1) return refusal_of_our_certificate(common, *session);
  const long verified = SSL_get_verify_result(session.get());
  if (verified != X509_V_OK) {
    return std::string("the gateway's certificate: ") + X509_verify_cert_error_string(verified);
  }
  return "no TLS there: " + last_reason();
}

}  // namespace

std::optional<std::string> why_unreachable(const Common& common) {
  const std::optional<HostPort> where = split(common.server);
  if (!where) return "--server must be HOST:PORT";
  boost::asio::io_context io;
  boost::system::error_code error;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(where->host, where->port, error);
  if (error) return error.message();
  tcp::socket socket(io);
  error = boost::asio::error::host_not_found;
  for (auto place = found.begin(); error && place != found.end(); ++place) {
    boost::system::error_code ignored;
    socket.close(ignored);
    socket.open(place->endpoint().protocol(), error);
    if (error) continue;
    set_patience(socket.native_handle());
    socket.connect(place->endpoint(), error);
  }
  if (error) return error.message();
  if (!common.tls) return std::nullopt;
  return why_no_tls(common, where->host, socket.native_handle());
}

}  // namespace ringtrace::ctl
