#include "gateway/config_grpc.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/gateway/good_config.h"
#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

/// A directory with a configuration and the files it names.
class Directory {
 public:
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(files_.path() / file) << text;
  }

  std::variant<Config, Mistakes> load(const std::string& grpc) const {
    return parse_config("[grpc]\n" + grpc + "\n" + std::string(kLeastConfig),
                        (files_.path() / "test.toml").string());
  }

  /// The mistakes, without the directory.
  std::vector<std::string> mistakes(const std::string& grpc) const {
    std::vector<std::string> lines;
    const auto loaded = load(grpc);
    if (const auto* found = std::get_if<Mistakes>(&loaded)) {
      for (const Mistake& mistake : found->sorted()) {
        std::string text = mistake.text();
        for (std::size_t at; (at = text.find(files_.path().string() + "/")) != std::string::npos;) {
          text.erase(at, files_.path().string().size() + 1);
        }
        lines.push_back(text);
      }
    }
    return lines;
  }

 private:
  const test::TemporaryDirectory files_;
};

const std::string kHash(64, 'a');

TEST_CASE("beyond loopback gRPC listens only with credentials") {
  const Directory directory;
  directory.write("tokens.toml",
                  "[[token]]\nname = \"shop\"\nscopes = [\"lease\"]\nsha256 = \"" + kHash + "\"\n");
  CHECK(directory.mistakes("listen = \"0.0.0.0:7080\"") ==
        std::vector<std::string>{
            "test.toml:2: [grpc] listen = \"0.0.0.0:7080\" is beyond loopback, and anyone there could lease; "
            "expected token_file or tls_client_ca beside it, or a loopback address"});
  CHECK(directory.mistakes("listen = \"0.0.0.0:7080\"\ntoken_file = \"tokens.toml\"").empty());
  CHECK(directory.mistakes("listen = \"127.0.0.1:7080\"").empty());
}

TEST_CASE("a token file is read into what each token may do") {
  const Directory directory;
  directory.write("tokens.toml",
                  "[[token]]\nname = \"shop\"\nscopes = [\"lease\", \"read\"]\npools = [\"main\"]\n"
                  "sha256 = \"" +
                      kHash + "\"\nexpire_time = \"2027-01-31T02:00:00+02:00\"\n");
  const auto loaded = directory.load("token_file = \"tokens.toml\"");
  REQUIRE(std::holds_alternative<Config>(loaded));
  const auto& tokens = std::get<Config>(loaded).grpc.tokens;
  REQUIRE(tokens);
  REQUIRE(tokens->size() == 1);
  const rpc::TokenGrant& grant = tokens->front();
  CHECK(grant.name == "shop");
  CHECK(rpc::to_string(grant.hash) == kHash);
  CHECK(grant.allows(rpc::Scope::kLease));
  CHECK(grant.allows(rpc::Scope::kRead));
  CHECK_FALSE(grant.allows(rpc::Scope::kAdmin));
  CHECK(grant.pools == std::vector<std::string>{"main"});
  using namespace std::chrono;
  CHECK(grant.expire_time == pool::Time(sys_days(2027y / January / 31d)));
}

TEST_CASE("each mistake in a token file is told with its line there") {
  const Directory directory;
  directory.write("tokens.toml",
                  "[[token]]\n"
                  "name = \"shop\"\n"
                  "scopes = [\"leese\"]\n"
                  "pools = [\"mian\"]\n"
                  "sha256 = \"secret\"\n"
                  "[[token]]\n"
                  "name = \"shop\"\n"
                  "scopes = [\"read\"]\n"
                  "sha256 = \"" +
                      kHash +
                      "\"\n"
                      "expire_time = \"tomorrow\"\n"
                      "[[tokens]]\n");
  CHECK(
      directory.mistakes("token_file = \"tokens.toml\"") ==
      std::vector<std::string>{
          "tokens.toml:3: [[token]] scopes: \"leese\" is no scope; expected \"lease\", \"read\" or \"admin\"",
          "tokens.toml:3: [[token]] \"shop\" may do nothing; expected at least one scope",
          "tokens.toml:4: [[token]] pools = \"mian\": there is no such pool; expected the name of a pool; "
          "did you mean 'main'?",
          "tokens.toml:5: [[token]] sha256 = \"secret\" cannot be read; expected 64 hexadecimal digits, as "
          "`ringtracectl token` prints them",
          "tokens.toml:7: [[token]] name \"shop\" is there twice; expected a name of its own",
          "tokens.toml:10: [[token]] expire_time = \"tomorrow\" cannot be read; expected an instant with its "
          "zone, such as \"2027-01-31T00:00:00Z\"",
          "tokens.toml:11: unknown key tokens; expected [[token]] tables; did you mean 'token'?"});
}

TEST_CASE("a token file that is not there, or lets nobody in, is a mistake") {
  const Directory directory;
  directory.write("empty.toml", "");
  CHECK(directory.mistakes("token_file = \"none.toml\"") ==
        std::vector<std::string>{"test.toml:2: [grpc] token_file \"none.toml\" cannot be read; expected a "
                                 "file of [[token]] tables"});
  CHECK(directory.mistakes("token_file = \"empty.toml\"").size() == 1);
}

TEST_CASE("half of a TLS identity, or one that is none, is a mistake") {
  const Directory directory;
  directory.write("cert.pem", "no certificate");
  directory.write("key.pem", "no key");
  CHECK(directory.mistakes("tls_certificate = \"cert.pem\"").size() == 1);
  CHECK(directory.mistakes("tls_client_ca = \"cert.pem\"").size() == 1);
  CHECK(directory.mistakes("tls_certificate = \"cert.pem\"\ntls_private_key = \"none.pem\"") ==
        std::vector<std::string>{"test.toml:2: [grpc] \"none.pem\" cannot be read"});
  CHECK(directory.mistakes("tls_certificate = \"cert.pem\"\ntls_private_key = \"key.pem\"") ==
        std::vector<std::string>{"test.toml:2: [grpc] \"cert.pem\" holds no PEM certificate"});
}

}  // namespace
}  // namespace ringtrace::gateway
