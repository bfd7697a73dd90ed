#include "sip/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

using Algorithm = DigestChallenge::Algorithm;

constexpr std::size_t kMaximumChallenge = 4096;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Takes the next `name=value` off the front of a comma-separated list; the value without its quotes.
std::optional<std::pair<std::string_view, std::string>> next_parameter(std::string_view& text) {
  text = text.substr(std::min(text.find_first_not_of(" \t\r\n,"), text.size()));
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = trimmed(text.substr(0, equals));
  text = text.substr(equals + 1);
  text = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string value;
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find(','), text.size());
    value = trimmed(text.substr(0, end));
    text = text.substr(end);
    return std::pair{name, std::move(value)};
  }
  std::size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  if (i >= text.size()) return std::nullopt;
  text = text.substr(i + 1);
  return std::pair{name, std::move(value)};
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Algorithm>, 4> kNames = {{
      {"MD5", Algorithm::kMd5},
      {"MD5-sess", Algorithm::kMd5Session},
      {"SHA-256", Algorithm::kSha256},
      {"SHA-256-sess", Algorithm::kSha256Session},
  }};
  if (name.empty()) return Algorithm::kMd5;
  for (const auto& [known, algorithm] : kNames) {
    if (equals_ignoring_case(known, name)) return algorithm;
  }
  return std::nullopt;
}

bool holds_auth(std::string_view qop) {
  while (!qop.empty()) {
    const std::size_t end = std::min(qop.find(','), qop.size());
    if (equals_ignoring_case(trimmed(qop.substr(0, end)), "auth")) return true;
    qop.remove_prefix(std::min(end + 1, qop.size()));
  }
  return false;
}

bool is_sha256(Algorithm algorithm) {
  return algorithm == Algorithm::kSha256 || algorithm == Algorithm::kSha256Session;
}

bool is_session(Algorithm algorithm) {
  return algorithm == Algorithm::kMd5Session || algorithm == Algorithm::kSha256Session;
}

std::string hash(Algorithm algorithm, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &size, is_sha256(algorithm) ? EVP_sha256() : EVP_md5(),
             nullptr);
  return to_hex(std::span(bytes).first(size));
}

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view& part : parts) {
    if (&part != parts.begin()) text += ':';
    text += part;
  }
  return text;
}

}  // namespace

std::optional<DigestChallenge> DigestChallenge::parse(std::string_view value) {
  constexpr std::string_view kScheme = "Digest";
  value = trimmed(value);
  if (value.size() > kMaximumChallenge || !starts_with_ignoring_case(value, kScheme)) return std::nullopt;
  value.remove_prefix(kScheme.size());
  if (!value.starts_with(' ') && !value.starts_with('\t')) return std::nullopt;
  DigestChallenge challenge;
  std::optional<std::string> qop;
  while (auto parameter = next_parameter(value)) {
    auto& [name, text] = *parameter;
    if (equals_ignoring_case(name, "realm")) {
      challenge.realm = std::move(text);
    } else if (equals_ignoring_case(name, "nonce")) {
      challenge.nonce = std::move(text);
    } else if (equals_ignoring_case(name, "opaque")) {
      challenge.opaque = std::move(text);
      challenge.has_opaque = true;
    } else if (equals_ignoring_case(name, "algorithm")) {
      challenge.algorithm_name = std::move(text);
    } else if (equals_ignoring_case(name, "stale")) {
      challenge.stale = equals_ignoring_case(text, "true");
    } else if (equals_ignoring_case(name, "qop")) {
      qop = std::move(text);
    }
  }
  const auto algorithm = algorithm_of(challenge.algorithm_name);
  if (!algorithm || challenge.nonce.empty()) return std::nullopt;
  if (qop && !holds_auth(*qop)) return std::nullopt;
  challenge.algorithm = *algorithm;
  challenge.qop_auth = qop.has_value();
  return challenge;
}

std::optional<DigestChallenge> choose_challenge(const std::vector<std::string>& values) {
  std::optional<DigestChallenge> best;
  for (const std::string& value : values) {
    auto challenge = DigestChallenge::parse(value);
    if (!challenge) continue;
    if (!best || (is_sha256(challenge->algorithm) && !is_sha256(best->algorithm)))
      best = std::move(challenge);
  }
  return best;
}

std::string digest_answer(const DigestChallenge& challenge, const DigestRequest& request) {
  const Algorithm algorithm = challenge.algorithm;
  std::array<char, 9> count{};
  std::snprintf(count.data(), count.size(), "%08x", request.nonce_count);

  // RFC 7616 section 3.4.
  std::string first = hash(algorithm, joined({request.user, challenge.realm, request.password}));
  if (is_session(algorithm)) first = hash(algorithm, joined({first, challenge.nonce, request.cnonce}));
  const std::string second = hash(algorithm, joined({request.method, request.uri}));
  const std::string response =
      challenge.qop_auth
          ? hash(algorithm, joined({first, challenge.nonce, count.data(), request.cnonce, "auth", second}))
          : hash(algorithm, joined({first, challenge.nonce, second}));

  std::string value = "Digest username=" + in_quotes(request.user) + ", realm=" + in_quotes(challenge.realm) +
                      ", nonce=" + in_quotes(challenge.nonce) + ", uri=" + in_quotes(request.uri) +
                      ", response=" + in_quotes(response);
  if (!challenge.algorithm_name.empty()) value += ", algorithm=" + challenge.algorithm_name;
  if (challenge.has_opaque) value += ", opaque=" + in_quotes(challenge.opaque);
  if (challenge.qop_auth || is_session(algorithm)) value += ", cnonce=" + in_quotes(request.cnonce);
  if (challenge.qop_auth) value += ", qop=auth, nc=" + std::string(count.data());
  return value;
}

}  // namespace ringtrace::sip
