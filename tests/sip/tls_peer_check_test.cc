#include "sip/tls_peer_check.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>

namespace ringtrace::sip {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

// A certificate with this common name, and these alternatives as OpenSSL's configuration writes them.
Certificate certificate(const std::string& common_name, const std::string& alternatives) {
  Certificate made(X509_new(), X509_free);
  X509_NAME* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  if (!alternatives.empty()) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternatives.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  return made;
}

}  // namespace

TEST_CASE("a certificate is of the domains and addresses its alternatives name") {
  const Certificate made =
      certificate("common.example",
                  "DNS:pbx.example,URI:sip:Company.example,URI:sip:alice@person.example,"
                  "URI:https://web.example,IP:192.0.2.7,IP:2001:db8::7,DNS:*.wild.example,DNS:192.0.2.9");
  for (const auto* name :
       {"pbx.example", "PBX.example", "pbx.example.", "company.example", "192.0.2.7", "2001:db8::7"}) {
    INFO(name);
    CHECK(is_certificate_of(made.get(), name));
  }
  for (const auto* name : {"common.example", "example", "person.example", "web.example", "a.wild.example",
                           "192.0.2.8", "192.0.2.9", "2001:db8::8", "", "."}) {
    INFO(name);
    CHECK_FALSE(is_certificate_of(made.get(), name));
  }
}

TEST_CASE("the common name counts only in a certificate without alternatives") {
  CHECK(is_certificate_of(certificate("pbx.example", "").get(), "pbx.example"));
  CHECK_FALSE(is_certificate_of(certificate("pbx.example", "email:a@b.example").get(), "pbx.example"));
  CHECK_FALSE(is_certificate_of(certificate("*.example", "").get(), "pbx.example"));
}

}  // namespace ringtrace::sip
