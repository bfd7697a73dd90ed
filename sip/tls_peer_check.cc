#include "sip/tls_peer_check.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "sip/endpoint.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// The check that holds for the connections this thread begins; null: none does.
thread_local const TlsPeerCheck* current_check = nullptr;

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::optional<IpAddress> address_of(const ASN1_OCTET_STRING* bytes) {
  const std::string_view raw = text_of(bytes);
  std::array<std::uint8_t, 16> address{};
  if (raw.size() != 4 && raw.size() != address.size()) return std::nullopt;
  std::memcpy(address.data(), raw.data(), raw.size());
  if (raw.size() == 4) return IpAddress::v4({address[0], address[1], address[2], address[3]});
  return IpAddress::v6(address);
}

bool is_host(std::string_view text, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return equals_ignoring_case(text, name);
}

// "sip:example.com" names a domain, "sip:alice@example.com" does not.
bool is_uri_of(std::string_view uri, std::string_view name) {
  constexpr std::string_view kScheme = "sip:";
  return starts_with_ignoring_case(uri, kScheme) && is_host(uri.substr(kScheme.size()), name);
}

bool names(const GENERAL_NAME* alternative, std::string_view name, const std::optional<IpAddress>& address) {
  switch (alternative->type) {
    case GEN_DNS:
      return !address && is_host(text_of(alternative->d.dNSName), name);
    case GEN_URI:
      return !address && is_uri_of(text_of(alternative->d.uniformResourceIdentifier), name);
    case GEN_IPADD:
      return address && address_of(alternative->d.iPAddress) == address;
    default:
      return false;
  }
}

bool has_common_name(const x509_st* certificate, std::string_view name) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) {
    if (is_host(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))), name)) return true;
  }
  return false;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

}  // namespace

bool is_certificate_of(const x509_st* certificate, std::string_view name) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  if (!alternatives) return has_common_name(certificate, name);
  const auto address = IpAddress::parse(name);
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    if (names(sk_GENERAL_NAME_value(alternatives.get(), i), name, address)) return true;
  }
  return false;
}

// What OpenSSL calls. Each connection owns a reference to the peer it must be to, as data of its own.
struct TlsPeerHooks {
  using Held = std::shared_ptr<const TlsPeer>;

  static int index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, begun, nullptr, ended);
    return index;
  }

  static void begun(void* connection, void*, CRYPTO_EX_DATA* data, int index, long, void*) {
    if (current_check == nullptr) return;
    auto* ssl = static_cast<SSL*>(connection);
    const Held peer = current_check->who_();
    CRYPTO_set_ex_data(data, index, new Held(peer));
    SSL_set_verify(ssl, SSL_VERIFY_PEER, verify);
    if (!peer->names.empty() && is_host_name(peer->names.front())) {
      SSL_set_tlsext_host_name(ssl, peer->names.front().c_str());
    }
  }

  static void ended(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Held*>(held); }

  static int verify(int trusted, X509_STORE_CTX* store) {
    const auto* ssl =
        static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const auto* held = static_cast<const Held*>(SSL_get_ex_data(ssl, index()));
    if (held == nullptr) return 0;
    const TlsPeer& peer = **held;
    if (trusted == 0) {
      peer.refused(X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
      return 0;
    }
    // The peer's own comes last; those above it only sign.
    if (X509_STORE_CTX_get_error_depth(store) > 0) return 1;
    const x509_st* certificate = X509_STORE_CTX_get_current_cert(store);
    const bool expected = std::any_of(peer.names.begin(), peer.names.end(), [&](const std::string& name) {
      return is_certificate_of(certificate, name);
    });
    if (expected) return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    peer.refused("its certificate is not of " + joined(peer.names));
    return 0;
  }
};

TlsPeerCheck::TlsPeerCheck(Who who) : who_(std::move(who)), outer_(std::exchange(current_check, this)) {
  TlsPeerHooks::index();
}

TlsPeerCheck::~TlsPeerCheck() { current_check = outer_; }

}  // namespace ringtrace::sip
