#include "gateway/config_reader.h"

#include <charconv>
#include <cmath>

#include "gateway/nearest.h"
#include "pool/assert.h"

namespace ringtrace::gateway {
namespace {

std::uint32_t line_of(const toml::node& node) { return static_cast<std::uint32_t>(node.source().begin.line); }

std::int64_t integer_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  RINGTRACE_ASSERT(error == std::errc() && end == text.data() + text.size());
  return value;
}

double real_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  RINGTRACE_ASSERT(error == std::errc() && end == text.data() + text.size());
  return value;
}

pool::Duration duration_of(std::string_view text) {
  const std::optional<pool::Duration> value = parse_duration(text);
  RINGTRACE_ASSERT(value.has_value());
  return *value;
}

/// True when `value` lies between the bounds of the specification, read by `read`.
template <typename Value, typename Read>
bool in_range(const KeySpec& spec, const Value& value, Read read) {
  if (!spec.least.empty() && value < read(spec.least)) return false;
  return spec.most.empty() || !(read(spec.most) < value);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

TableReader::TableReader(Mistakes& mistakes, const SectionSpec& section, const toml::table* table)
    : mistakes_(mistakes), section_(section), table_(table) {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : *table_) {
    if (section_.find(key.str()) == nullptr) note_unknown(key);
  }
  for (const KeySpec& wanted : section_.keys) {
    if (!wanted.required || table_->contains(wanted.key)) continue;
    mistakes_.add(line(), name_of(wanted.key) + " is missing", std::string(describe(wanted.kind)));
  }
}

bool TableReader::has(std::string_view key) const { return node(key) != nullptr; }

std::uint32_t TableReader::line(std::string_view key) const {
  const toml::node* found = node(key);
  return found == nullptr ? line() : line_of(*found);
}

std::uint32_t TableReader::line() const { return table_ == nullptr ? 0 : line_of(*table_); }

std::string TableReader::text(std::string_view key) const {
  const KeySpec& wanted = spec(key);
  const toml::node* found = node(key);
  if (found == nullptr) return std::string(wanted.initial);
  if (!found->is_string()) {
    note_type(key, *found, ValueKind::kText);
    return std::string(wanted.initial);
  }
  const std::string& value = found->as_string()->get();
  if (value.empty()) {
    mistakes_.add(line(key), name_of(key) + " is empty", "a text, or no such line");
    return std::string(wanted.initial);
  }
  return is_choice(wanted, value) ? value : std::string(wanted.initial);
}

std::int64_t TableReader::integer(std::string_view key) const {
  const KeySpec& wanted = spec(key);
  const std::int64_t initial = wanted.initial.empty() ? 0 : integer_of(wanted.initial);
  const toml::node* found = node(key);
  if (found == nullptr) return initial;
  if (!found->is_integer()) {
    note_type(key, *found, ValueKind::kInteger);
    return initial;
  }
  const std::int64_t value = found->as_integer()->get();
  if (in_range(wanted, value, integer_of)) return value;
  note_range(wanted, std::to_string(value));
  return initial;
}

double TableReader::real(std::string_view key) const {
  const KeySpec& wanted = spec(key);
  const double initial = wanted.initial.empty() ? 0 : real_of(wanted.initial);
  const toml::node* found = node(key);
  if (found == nullptr) return initial;
  if (!found->is_number()) {
    note_type(key, *found, ValueKind::kReal);
    return initial;
  }
  const double value = found->value<double>().value_or(NAN);
  if (std::isfinite(value) && in_range(wanted, value, real_of)) return value;
  note_range(wanted, std::to_string(value));
  return initial;
}

bool TableReader::boolean(std::string_view key) const {
  const bool initial = spec(key).initial == "true";
  const toml::node* found = node(key);
  if (found == nullptr) return initial;
  if (!found->is_boolean()) {
    note_type(key, *found, ValueKind::kBoolean);
    return initial;
  }
  return found->as_boolean()->get();
}

pool::Duration TableReader::duration(std::string_view key) const {
  const KeySpec& wanted = spec(key);
  const pool::Duration initial = wanted.initial.empty() ? pool::Duration() : duration_of(wanted.initial);
  const toml::node* found = node(key);
  if (found == nullptr) return initial;
  if (!found->is_string()) {
    note_type(key, *found, ValueKind::kDuration);
    return initial;
  }
  const std::string& text = found->as_string()->get();
  const std::optional<pool::Duration> value = parse_duration(text);
  if (!value) {
    mistakes_.add(line(key), name_of(key) + " = \"" + text + "\" is no duration",
                  std::string(describe(ValueKind::kDuration)));
    return initial;
  }
  if (in_range(wanted, *value, duration_of)) return *value;
  note_range(wanted, "\"" + text + "\"");
  return initial;
}

std::vector<TextAt> TableReader::texts(std::string_view key) const {
  std::vector<TextAt> result;
  const toml::node* found = node(key);
  if (found == nullptr) return result;
  if (!found->is_array()) {
    note_type(key, *found, ValueKind::kTexts);
    return result;
  }
  for (const toml::node& element : *found->as_array()) {
    if (element.is_string()) {
      result.push_back({element.as_string()->get(), line_of(element)});
    } else {
      note_type(key, element, ValueKind::kText);
    }
  }
  return result;
}

std::vector<EntryAt<std::string>> TableReader::text_map(std::string_view key) const {
  std::vector<EntryAt<std::string>> result;
  const toml::node* found = node(key);
  if (found == nullptr) return result;
  if (!found->is_table()) {
    note_type(key, *found, ValueKind::kTextMap);
    return result;
  }
  for (const auto& [name, value] : *found->as_table()) {
    if (value.is_string()) {
      result.push_back({std::string(name.str()), value.as_string()->get(), line_of(value)});
    } else {
      note_type(name.str(), value, ValueKind::kText);
    }
  }
  return result;
}

std::vector<EntryAt<double>> TableReader::real_map(std::string_view key) const {
  std::vector<EntryAt<double>> result;
  const toml::node* found = node(key);
  if (found == nullptr) return result;
  if (!found->is_table()) {
    note_type(key, *found, ValueKind::kRealMap);
    return result;
  }
  for (const auto& [name, value] : *found->as_table()) {
    if (value.is_number()) {
      result.push_back({std::string(name.str()), value.value<double>().value_or(0), line_of(value)});
    } else {
      note_type(name.str(), value, ValueKind::kReal);
    }
  }
  return result;
}

std::vector<TableReader> TableReader::tables(std::string_view key) const {
  std::vector<TableReader> result;
  const toml::node* found = node(key);
  if (found == nullptr) return result;
  const toml::array* array = found->as_array();
  if (array == nullptr || array->empty()) {
    note_type(key, *found, ValueKind::kTables);
    return result;
  }
  const SectionSpec& inner = config_section(std::string(section_.name) + "." + std::string(key));
  for (const toml::node& element : *array) {
    if (const toml::table* table = element.as_table()) {
      result.emplace_back(mistakes_, inner, table);
    } else {
      note_type(key, element, ValueKind::kTables);
    }
  }
  return result;
}

std::string TableReader::name_of(std::string_view key) const {
  const std::string open = section_.many ? "[[" : "[";
  const std::string close = section_.many ? "]]" : "]";
  return open + std::string(section_.name) + close + " " + std::string(key);
}

const toml::node* TableReader::node(std::string_view key) const {
  return table_ == nullptr ? nullptr : table_->get(key);
}

const KeySpec& TableReader::spec(std::string_view key) const {
  const KeySpec* found = section_.find(key);
  RINGTRACE_ASSERT(found != nullptr);
  return *found;
}

void TableReader::note_unknown(const toml::key& key) const {
  std::vector<std::string_view> names;
  for (const KeySpec& known : section_.keys) names.push_back(known.key);
  std::string meant(nearest(key.str(), names));
  if (meant.empty()) {
    for (const SectionSpec& other : config_sections()) {
      if (other.find(key.str()) == nullptr) continue;
      meant = (other.many ? "[[" : "[") + std::string(other.name) + (other.many ? "]] " : "] ") +
              std::string(key.str());
      break;
    }
  }
  std::string expected;
  if (meant.empty()) {
    expected = "one of ";
    for (std::size_t i = 0; i < names.size(); ++i) expected += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  mistakes_.add(static_cast<std::uint32_t>(key.source().begin.line),
                "unknown key " + name_of(std::string_view(key.str())), expected, meant);
}

void TableReader::note_type(std::string_view key, const toml::node& node, ValueKind kind) const {
  mistakes_.add(line_of(node), name_of(key) + " is " + std::string(describe(node)),
                std::string(describe(kind)));
}

void TableReader::note_range(const KeySpec& wanted, std::string_view written) const {
  mistakes_.add(line(wanted.key), name_of(wanted.key) + " = " + std::string(written) + " is out of range",
                std::string(wanted.least) + " to " + std::string(wanted.most));
}

bool TableReader::is_choice(const KeySpec& wanted, std::string_view value) const {
  if (wanted.choices.empty()) return true;
  const std::vector<std::string_view> choices = split(wanted.choices, '|');
  for (const std::string_view choice : choices) {
    if (choice == value) return true;
  }
  std::string expected = "one of ";
  for (std::size_t i = 0; i < choices.size(); ++i) {
    expected += (i == 0 ? "\"" : ", \"") + std::string(choices[i]) + "\"";
  }
  mistakes_.add(line(wanted.key), name_of(wanted.key) + " = \"" + std::string(value) + "\" is not known",
                expected, nearest(value, choices));
  return false;
}

}  // namespace ringtrace::gateway
