#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config_reader.h"

namespace ringtrace::gateway {

/// Notes a `name` that is none: 1 to 63 of a-z, 0-9 and dash, beginning with a letter.
void check_name(const TableReader& table, const std::string& name);

/// Notes a name that an earlier element has.
template <typename Element>
void check_twice(const TableReader& table, const std::vector<Element>& earlier, const std::string& name) {
  const bool twice = std::any_of(earlier.begin(), earlier.end(),
                                 [&](const Element& other) { return !name.empty() && other.name == name; });
  if (!twice) return;
  table.mistakes().add(table.line("name"), table.name_of("name") + " = \"" + name + "\" is there twice",
                       "a name of its own");
}

/// The content of a file named by a key, without the line end; empty after a mistake.
std::string read_secret(const TableReader& table, std::string_view key, const std::string& directory);

}  // namespace ringtrace::gateway
