#include "sip/digest.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {
namespace {

std::string response_in(const std::string& value) {
  const std::string mark = "response=\"";
  const std::size_t at = value.find(mark) + mark.size();
  return value.substr(at, value.find('"', at) - at);
}

std::string answer(const std::string& challenge, DigestRequest request) {
  const auto parsed = DigestChallenge::parse(challenge);
  REQUIRE(parsed);
  return digest_answer(*parsed, request);
}

}  // namespace

TEST_CASE("digests are those of the RFCs' own examples") {
  // RFC 7616 section 3.9.1.
  const std::string common =
      R"(realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v")";
  const DigestRequest mufasa{
      "Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      1};
  CHECK(response_in(answer("Digest algorithm=SHA-256, " + common, mufasa)) ==
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  CHECK(response_in(answer("digest algorithm=MD5, " + common, mufasa)) == "8ca523f5e9506fed4657c9700eebdbec");
  // RFC 2617 section 3.5.
  CHECK(response_in(
            answer(R"(Digest realm="testrealm@host.com", qop="auth,auth-int", )"
                   R"(nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41")",
                   {"Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", 1})) ==
        "6629fae49393a05397450978507c4ef1");
}

TEST_CASE("an answer says what it was computed from") {
  const std::string value = answer(R"(Digest realm="a\"b", nonce="n", opaque="o", qop="auth",algorithm=MD5)",
                                   {"user", "secret", "REGISTER", "sip:x", "c", 0x1f});
  CHECK(value.starts_with(R"(Digest username="user", realm="a\"b", nonce="n", uri="sip:x", response=")"));
  CHECK(value.ends_with(R"(", algorithm=MD5, opaque="o", cnonce="c", qop=auth, nc=0000001f)"));
  // Without qop: RFC 2069, and neither count nor cnonce.
  const std::string old =
      answer(R"(Digest realm="r", nonce="n")", {"user", "s", "REGISTER", "sip:x", "c", 1});
  CHECK(old.find("nc=") == std::string::npos);
  CHECK(old.find("cnonce") == std::string::npos);
  CHECK(old.find("secret") == std::string::npos);
}

TEST_CASE("the strongest challenge that can be answered is chosen") {
  const auto chosen = [](const std::vector<std::string>& values) -> std::string {
    const auto challenge = choose_challenge(values);
    return challenge ? challenge->nonce : "";
  };
  CHECK(chosen({R"(Digest nonce="md5")", R"(Digest nonce="sha", algorithm=SHA-256)"}) == "sha");
  CHECK(chosen({R"(Digest nonce="new", algorithm=SHA-512-256)", R"(Digest nonce="md5", algorithm=MD5)"}) ==
        "md5");
  CHECK(chosen({R"(Digest nonce="int", qop="auth-int")"}).empty());
  CHECK(chosen({"Basic realm=x"}).empty());
  CHECK(chosen({"Digest realm=\"x\""}).empty());
  CHECK(chosen({"Digest nonce=\"x"}).empty());
  CHECK(chosen({"Digest"}).empty());
  CHECK(chosen({"Digest nonce=\"" + std::string(5000, 'x') + "\""}).empty());
  CHECK(chosen({}).empty());
  CHECK(DigestChallenge::parse(R"(Digest nonce=x, stale=TRUE)")->stale);
}

}  // namespace ringtrace::sip
