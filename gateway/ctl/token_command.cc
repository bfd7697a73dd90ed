#include <google/protobuf/util/time_util.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <iostream>
#include <stdexcept>
#include <string>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"
#include "pool/visit.h"
#include "proto/hex_text.h"

namespace ringtrace::ctl {
namespace {

constexpr std::size_t kTokenBytes = 32;

/// 256 random bits. The prefix lets scanners for leaked secrets know one when they see it.
std::string make_token() {
  std::array<unsigned char, kTokenBytes> bytes{};
  if (RAND_bytes(bytes.data(), kTokenBytes) != 1) throw std::runtime_error("no random bytes are to be had");
  return "rt_" + hex_text(bytes);
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return hex_text(hash);
}

std::string list(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& item : texts) text += (text.empty() ? "\"" : ", \"") + item + "\"";
  return "[" + text + "]";
}

/// Names go into the table as they are, and the gateway takes no others.
void check_name(const std::string& name) {
  if (pool::is_valid_pool_name(name)) return;
  throw std::runtime_error("\"" + name +
                           "\" is no name: 1 to 63 of a-z, 0-9 and dash, beginning with a letter");
}

/// A token that nobody could use is not worth making.
void check_expire_time(const std::string& text) {
  using google::protobuf::util::TimeUtil;
  google::protobuf::Timestamp time;
  if (TimeUtil::FromString(text, &time) && time <= TimeUtil::GetCurrentTime()) {
    throw std::runtime_error("--expire-time " + text + " is past");
  }
}

}  // namespace

int token(const Common& common, const TokenOptions& options) {
  check_name(options.name);
  for (const std::string& pool : options.pools) check_name(pool);
  check_expire_time(options.expire_time);
  const std::string secret = make_token();
  std::string table = "[[token]]\nname = \"" + options.name + "\"\nsha256 = \"" + sha256(secret) +
                      "\"\nscopes = " + list(options.scopes) + "\n";
  if (!options.pools.empty()) table += "pools = " + list(options.pools) + "\n";
  if (!options.expire_time.empty()) table += "expire_time = \"" + printable(options.expire_time) + "\"\n";
  if (common.json) {
    std::string escaped;
    for (const char c : table) {
      if (c == '"') escaped += '\\';
      escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    std::cout << R"({"token":")" << secret << R"(","table":")" << escaped << "\"}\n";
  } else {
    std::cerr << "The token, for the client alone; it is written nowhere else:\n";
    std::cout << secret << '\n' << std::flush;
    std::cerr << "For the gateway's token file ([grpc] token_file); then SIGHUP:\n";
    std::cout << '\n' << table;
  }
  return kExitOk;
}

}  // namespace ringtrace::ctl
