#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/redis/redis_server.h"

namespace ringtrace::test {

inline void add_texts(const redis::Reply& reply, std::string& text) {
  text += reply.text + '\n';
  for (const redis::Reply& element : reply.elements) add_texts(element, text);
}

/// Every key of the server with everything it holds, as one text.
inline std::string keyspace_of(const RedisServer& server) {
  std::string text;
  for (const redis::Reply& key : server.command({"KEYS", "*"}).elements) {
    text += key.text + '\n';
    const std::string type = server.command({"TYPE", key.text}).text;
    if (type == "string") add_texts(server.command({"GET", key.text}), text);
    if (type == "hash") add_texts(server.command({"HGETALL", key.text}), text);
    if (type == "list") add_texts(server.command({"LRANGE", key.text, "0", "-1"}), text);
    if (type == "set") add_texts(server.command({"SMEMBERS", key.text}), text);
    if (type == "zset") add_texts(server.command({"ZRANGE", key.text, "0", "-1", "WITHSCORES"}), text);
    if (type == "stream") add_texts(server.command({"XRANGE", key.text, "-", "+"}), text);
  }
  return text;
}

/// The names and contents of all files under the directory, as one text.
inline std::string files_of(const std::filesystem::path& directory) {
  std::ostringstream text;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    text << entry.path().string() << '\n';
    if (entry.is_regular_file()) text << std::ifstream(entry.path(), std::ios::binary).rdbuf() << '\n';
  }
  return text.str();
}

inline bool names(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

}  // namespace ringtrace::test
