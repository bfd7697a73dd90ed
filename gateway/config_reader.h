#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config_mistakes.h"
#include "gateway/config_schema.h"
#include "gateway/config_values.h"
#include "pool/number.h"
#include "pool/time.h"

namespace ringtrace::gateway {

/// A text and the line it stands in.
struct TextAt {
  std::string text;
  std::uint32_t line = 0;
};

/// One entry of a table with free keys.
template <typename Value>
struct EntryAt {
  std::string key;
  Value value{};
  std::uint32_t line = 0;
};

/// Reads one table of the file by its SectionSpec. Every mistake is noted and the key's default taken
/// instead, so that one reading finds them all. The keys asked for must be in the SectionSpec.
class TableReader {
 public:
  /// `table` may be nullptr: all defaults. Notes unknown and missing keys at once.
  TableReader(Mistakes& mistakes, const SectionSpec& section, const toml::table* table);

  Mistakes& mistakes() const { return mistakes_; }

  /// True when the file gives the key a value of the right type.
  bool has(std::string_view key) const;

  /// The line of the key, or of the table when it has none.
  std::uint32_t line(std::string_view key) const;
  std::uint32_t line() const;

  std::string text(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  double real(std::string_view key) const;
  bool boolean(std::string_view key) const;
  pool::Duration duration(std::string_view key) const;
  std::vector<TextAt> texts(std::string_view key) const;
  std::vector<EntryAt<std::string>> text_map(std::string_view key) const;
  std::vector<EntryAt<double>> real_map(std::string_view key) const;

  /// The tables under a key of ValueKind::kTables.
  std::vector<TableReader> tables(std::string_view key) const;

  /// A non-negative integer as a size.
  std::size_t size(std::string_view key) const { return static_cast<std::size_t>(integer(key)); }

  /// Reads the text by `parse`; notes a mistake with `expected` when that gives none. Default-constructed
  /// when absent or wrong.
  template <typename Value>
  Value parsed(std::string_view key, const std::function<std::optional<Value>(std::string_view)>& parse,
               std::string_view expected) const {
    const std::string value = text(key);
    if (value.empty() && !has(key)) return Value{};
    std::optional<Value> result = parse(value);
    if (result) return std::move(*result);
    mistakes_.add(line(key), name_of(key) + " = \"" + value + "\" cannot be read", std::string(expected));
    return Value{};
  }

  /// "[sip] listen", as mistakes name a key.
  std::string name_of(std::string_view key) const;

 private:
  const toml::node* node(std::string_view key) const;
  const KeySpec& spec(std::string_view key) const;
  void note_unknown(const toml::key& key) const;
  void note_type(std::string_view key, const toml::node& node, ValueKind kind) const;
  void note_range(const KeySpec& spec, std::string_view written) const;
  bool is_choice(const KeySpec& spec, std::string_view value) const;

  Mistakes& mistakes_;
  const SectionSpec& section_;
  const toml::table* table_;
};

/// The readers of a top-level table: one for [name], one for each [[name]], and none (after a mistake) when
/// the file gives another shape or nothing where something is required. An absent [name] gives one reader of
/// defaults.
std::vector<TableReader> read_section(Mistakes& mistakes, std::string_view name, const toml::table& root);

/// The tables [[name]] that `node` should be; none of nullptr.
std::vector<TableReader> read_many(Mistakes& mistakes, const SectionSpec& section, const toml::node* node);

/// Notes tables that are none of the schema's.
void note_unknown_sections(Mistakes& mistakes, const toml::table& root);

/// The type of a value in words: "a whole number".
std::string_view describe(const toml::node& node);

}  // namespace ringtrace::gateway
