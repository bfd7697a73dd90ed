#include "gateway/name_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/config_values.h"

namespace ringtrace::gateway {

NameFile::NameFile(const std::string& state_directory) {
  if (state_directory.empty()) return;
  path_ = (std::filesystem::path(state_directory) / "sip-names").string();
  kept_ = read();
}

NameFile::Names NameFile::read() const {
  Names names;
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string where;
    std::uint32_t priority = 0;
    std::uint32_t weight = 0;
    if (!(words >> name >> priority >> weight >> where)) continue;
    const auto target = parse_sip_target(name);
    const auto endpoint = sip::Endpoint::parse(where);
    if (!target || !endpoint) continue;
    names[*target].emplace_back(*endpoint, priority, weight);
  }
  return names;
}

bool NameFile::keep(const Names& names) {
  if (path_.empty() || names == kept_) return true;
  const std::string fresh = path_ + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  for (const auto& [target, places] : names) {
    for (const sip::Place& place : places) {
      file << target.to_string() << ' ' << place.priority << ' ' << place.weight << ' '
           << place.endpoint.to_string() << '\n';
    }
  }
  file.close();
  std::error_code problem;
  if (file) std::filesystem::rename(fresh, path_, problem);
  if (!file || problem) return false;
  kept_ = names;
  return true;
}

}  // namespace ringtrace::gateway
