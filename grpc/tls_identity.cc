#include "grpc/tls_identity.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace ringtrace::rpc {
namespace {

using Part = TlsMistake::Part;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reader_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

/// Without a passphrase: an encrypted key is not readable, and nobody is asked for one.
int no_passphrase(char*, int, int, void*) { return -1; }

Certificate first_certificate(const std::string& text) {
  return {PEM_read_bio_X509(reader_of(text).get(), nullptr, no_passphrase, nullptr), &X509_free};
}

pool::Time time_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return pool::kNever;
  return pool::Time(std::chrono::seconds(timegm(&fields)));
}

std::string text_of(pool::Time time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &fields)};
}

}  // namespace

std::variant<TlsFacts, TlsMistake> check_tls(const TlsIdentity& identity, pool::Time now) {
  const Certificate certificate = first_certificate(identity.certificate_chain);
  if (!certificate) return TlsMistake{Part::kCertificate, "holds no PEM certificate"};
  const Key key(
      PEM_read_bio_PrivateKey(reader_of(identity.private_key).get(), nullptr, no_passphrase, nullptr),
      &EVP_PKEY_free);
  if (!key) return TlsMistake{Part::kPrivateKey, "holds no PEM private key without a passphrase"};
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return TlsMistake{Part::kPrivateKey, "is not the certificate's key"};
  }
  const pool::Time from = time_of(X509_get0_notBefore(certificate.get()));
  const pool::Time until = time_of(X509_get0_notAfter(certificate.get()));
  if (now < from) return TlsMistake{Part::kCertificate, "is not valid before " + text_of(from)};
  if (now >= until) return TlsMistake{Part::kCertificate, "has expired on " + text_of(until)};
  if (!identity.client_ca.empty() && !first_certificate(identity.client_ca)) {
    return TlsMistake{Part::kClientCa, "holds no PEM certificate"};
  }
  return TlsFacts{until};
}

}  // namespace ringtrace::rpc
