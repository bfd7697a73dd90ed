#include "gateway/claim_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace ringtrace::gateway {

ClaimFile::ClaimFile(const std::string& state_directory) {
  if (!state_directory.empty()) path_ = (std::filesystem::path(state_directory) / "store-claims").string();
}

std::vector<redis::ClaimMemory> ClaimFile::read() const {
  std::vector<redis::ClaimMemory> memories;
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    redis::ClaimMemory memory;
    if (words >> memory.pool >> memory.counter >> memory.writes) memories.push_back(std::move(memory));
  }
  return memories;
}

bool ClaimFile::write(const std::vector<redis::ClaimMemory>& memories) {
  if (path_.empty() || memories == written_) return true;
  const std::string fresh = path_ + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  for (const redis::ClaimMemory& memory : memories) {
    file << memory.pool << ' ' << memory.counter << ' ' << memory.writes << '\n';
  }
  file.close();
  std::error_code problem;
  if (file) std::filesystem::rename(fresh, path_, problem);
  if (!file || problem) return false;
  written_ = memories;
  return true;
}

}  // namespace ringtrace::gateway
