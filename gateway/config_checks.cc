#include "gateway/config_checks.h"

#include <filesystem>
#include <fstream>

#include "gateway/config_pools.h"
#include "pool/config.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kNameForm = "1 to 63 of a-z, 0-9 and dash, beginning with a letter";
constexpr std::size_t kMaxSecretBytes = 4096;

}  // namespace

void check_name(const TableReader& table, const std::string& name) {
  if (!table.has("name") || pool::is_valid_pool_name(name)) return;
  table.mistakes().add(table.line("name"), table.name_of("name") + " = \"" + name + "\" is no name",
                       std::string(kNameForm));
}

std::string read_secret(const TableReader& table, std::string_view key, const std::string& directory) {
  if (!table.has(key)) return {};
  const std::string path = beside(directory, table.text(key));
  std::ifstream file(path, std::ios::binary);
  std::string content;
  if (file && !std::filesystem::is_directory(path)) {
    content.resize(kMaxSecretBytes);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    content = std::string(trimmed(content));
    if (!content.empty()) return content;
  }
  table.mistakes().add(table.line(key), table.name_of(key) + " \"" + path + "\" cannot be read, or is empty",
                       "a file that this user may read");
  return {};
}

}  // namespace ringtrace::gateway
