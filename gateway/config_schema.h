#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

namespace ringtrace::gateway {

/// What a key's value looks like.
enum class ValueKind : std::uint8_t {
  kText,      ///< "text"
  kInteger,   ///< 42
  kReal,      ///< 0.5 (or 1)
  kBoolean,   ///< true
  kDuration,  ///< "1h30m"
  kTexts,     ///< ["one", "two"]
  kTextMap,   ///< a table of texts, its keys free
  kRealMap,   ///< a table of numbers, its keys free
  kTables,    ///< tables of their own, described by the section "<this section>.<key>"
};

/// What is to be expected of a value, in words: "a text", "a duration such as \"30m\"".
std::string_view describe(ValueKind kind);

/// One key of the configuration file. The only place where its default, its range and its meaning stand.
struct KeySpec {
  std::string_view key{};
  ValueKind kind = ValueKind::kText;
  bool required = false;
  std::string_view initial{};  ///< the default as the file would write it, without quotes; empty: none
  std::string_view least{};    ///< kInteger, kReal, kDuration: the least value allowed; empty: any
  std::string_view most{};     ///< kInteger, kReal, kDuration: the greatest value allowed
  std::string_view choices{};  ///< kText: the values allowed, separated by '|'; empty: any
  std::string_view doc{};
};

/// One table of the file.
struct SectionSpec {
  std::string_view name;
  bool many = false;      ///< [[name]] instead of [name]
  bool required = false;  ///< must be there (of many: at least one)
  std::string_view doc{};
  std::span<const KeySpec> keys{};

  /// The key of that name, or nullptr.
  const KeySpec* find(std::string_view key) const;
};

/// All tables, in the order people write them.
std::span<const SectionSpec> config_sections();

/// The table of that name, which must exist.
const SectionSpec& config_section(std::string_view name);

/// Writes every table and key with default, range and meaning, as a TOML file with comments.
void print_config_reference(std::ostream& out);

}  // namespace ringtrace::gateway
