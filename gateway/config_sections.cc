#include <algorithm>

#include "gateway/config_reader.h"
#include "gateway/nearest.h"

namespace ringtrace::gateway {
namespace {

std::uint32_t line_of(const toml::node& node) { return static_cast<std::uint32_t>(node.source().begin.line); }

std::string bracketed(const SectionSpec& section) {
  return section.many ? "[[" + std::string(section.name) + "]]" : "[" + std::string(section.name) + "]";
}

}  // namespace

std::vector<TableReader> read_many(Mistakes& mistakes, const SectionSpec& section, const toml::node* node) {
  std::vector<TableReader> result;
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    mistakes.add(line_of(*node), std::string(section.name) + " is " + std::string(describe(*node)),
                 "tables in double brackets, " + bracketed(section));
    return result;
  }
  for (const toml::node& element : *array) {
    if (const toml::table* table = element.as_table()) {
      result.emplace_back(mistakes, section, table);
    } else {
      mistakes.add(line_of(element), std::string(section.name) + " is " + std::string(describe(element)),
                   "tables in double brackets, " + bracketed(section));
    }
  }
  return result;
}

std::vector<TableReader> read_section(Mistakes& mistakes, std::string_view name, const toml::table& root) {
  const SectionSpec& section = config_section(name);
  const toml::node* node = root.get(name);
  if (node == nullptr && section.required) {
    mistakes.add(0, bracketed(section) + " is missing", std::string(section.many ? "at least one" : "one"));
  }
  if (section.many) return read_many(mistakes, section, node);

  std::vector<TableReader> result;
  if (node != nullptr && !node->is_table()) {
    mistakes.add(line_of(*node), std::string(name) + " is " + std::string(describe(*node)),
                 "one table, " + bracketed(section));
    node = nullptr;
  }
  result.emplace_back(mistakes, section, node == nullptr ? nullptr : node->as_table());
  return result;
}

void note_unknown_sections(Mistakes& mistakes, const toml::table& root) {
  std::vector<std::string_view> names;
  for (const SectionSpec& section : config_sections()) {
    if (section.name.find('.') == std::string_view::npos) names.push_back(section.name);
  }
  for (const auto& [key, value] : root) {
    const std::string_view name = key.str();
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::string meant;
    if (const std::string_view near = nearest(name, names); !near.empty()) {
      meant = bracketed(config_section(near));
    } else if (!value.is_table() && !value.is_array()) {
      for (const SectionSpec& section : config_sections()) {
        if (section.find(name) != nullptr && meant.empty())
          meant = bracketed(section) + " " + std::string(name);
      }
    }
    const bool table = value.is_table() || value.is_array_of_tables();
    mistakes.add(static_cast<std::uint32_t>(key.source().begin.line),
                 (table ? "unknown table " : "unknown key ") + std::string(name),
                 meant.empty() ? "a table such as [sip] or [[pool]]; see --print-config-reference" : "",
                 meant);
  }
}

std::string_view describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return node.is_array_of_tables() ? "tables in double brackets" : "a list";
    case toml::node_type::table:
      return "a table";
    default:
      break;
  }
  return "a date or time";
}

}  // namespace ringtrace::gateway
