#include "gateway/config_pools.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "gateway/config_reader.h"
#include "gateway/nearest.h"
#include "gateway/number_register.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kNumberForm = "an E.164 number such as \"+74950000001\"";
constexpr std::string_view kRangeForm =
    "an E.164 number such as \"+74950000001\", or a range \"+74950000010-+74950000019\"";
constexpr std::string_view kSourceForm = "1 to 64 bytes without control characters";

bool is_valid_source(std::string_view text) {
  return !text.empty() && text.size() <= pool::Source::kMaxBytes && pool::is_valid_visitor_id(text);
}

pool::AttributionParameters read_attribution(Mistakes& mistakes, const toml::table& root) {
  pool::AttributionParameters result;
  for (const TableReader& table : read_section(mistakes, "attribution", root)) {
    result.default_propensity = table.real("default_propensity");
    result.prompt_share = table.real("prompt_share");
    result.later_share = table.real("later_share");
    result.day_share = table.real("day_share");
    result.prompt_mean = table.duration("prompt_mean");
    result.later_median = table.duration("later_median");
    result.later_sigma = table.real("later_sigma");
    result.day_median = table.duration("day_median");
    result.day_sigma = table.real("day_sigma");
    const double every = std::chrono::duration<double>(table.duration("stray_call_every")).count();
    result.none_rate = 1.0 / every;
    const double sum = result.prompt_share + result.later_share + result.day_share;
    if (std::abs(sum - 1.0) > 1e-6) {
      mistakes.add(table.line("prompt_share"), "[attribution] the shares add up to " + std::to_string(sum),
                   "prompt_share + later_share + day_share = 1");
    }
    for (const EntryAt<double>& entry : table.real_map("propensities")) {
      const std::string name = "[attribution.propensities] \"" + entry.key + "\"";
      if (!is_valid_source(entry.key)) {
        mistakes.add(entry.line, name + " is no source", std::string(kSourceForm));
      } else if (!(entry.value >= 0 && entry.value <= 1)) {
        mistakes.add(entry.line, name + " = " + std::to_string(entry.value) + " is out of range", "0 to 1");
      } else {
        result.propensities.push_back({pool::Source::cut(entry.key), entry.value});
      }
    }
  }
  return result;
}

void add_range(Mistakes& mistakes, NumberRegister& numbers, const std::string& file, std::uint32_t line,
               const std::string& text, const std::string& owner, pool::PoolConfig& pool) {
  const std::optional<NumberRange> range = parse_number_range(text);
  if (!range) {
    mistakes.add_in(file, line, "[[pool]] \"" + owner + "\": \"" + text + "\" is no number",
                    std::string(kRangeForm));
    return;
  }
  if (range->size() > kMaxNumbers - std::min(kMaxNumbers, numbers.size())) {
    mistakes.add_in(file, line, "[[pool]] \"" + owner + "\": too many numbers with \"" + text + "\"",
                    "at most " + std::to_string(kMaxNumbers) + " in all pools");
    return;
  }
  const NumberRegister::Place place = numbers.place(file, line, "[[pool]] \"" + owner + "\"");
  for (std::uint64_t digits = range->first.digits(); digits <= range->last.digits(); ++digits) {
    const pool::Number number = *pool::Number::from_digits(digits);
    pool.numbers.push_back(number);
    numbers.add(number, place);
  }
}

void read_numbers_file(Mistakes& mistakes, NumberRegister& numbers, const TableReader& table,
                       const std::string& directory, pool::PoolConfig& pool) {
  if (!table.has("numbers_file")) return;
  const std::string path = beside(directory, table.text("numbers_file"));
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    mistakes.add(table.line("numbers_file"), "[[pool]] numbers_file \"" + path + "\" cannot be read",
                 "a file with one number or range a line");
    return;
  }
  std::string line;
  for (std::uint32_t number = 1; std::getline(file, line); ++number) {
    const std::string_view content = trimmed(std::string_view(line).substr(0, line.find('#')));
    if (content.empty()) continue;
    add_range(mistakes, numbers, path, number, std::string(content.substr(0, 80)), pool.name.to_string(),
              pool);
  }
}

pool::Number read_number(const TableReader& table, std::string_view key) {
  return table.parsed<pool::Number>(key, pool::Number::parse, kNumberForm);
}

void read_fallbacks(Mistakes& mistakes, NumberRegister& numbers, const TableReader& table,
                    pool::PoolConfig& pool) {
  const std::string owner = "[[pool]] \"" + pool.name.to_string() + "\"";
  pool.fallback = read_number(table, "fallback");
  if (pool.fallback) {
    // The same fallback number may stand in for several pools; it is only never lent.
    numbers.add_shared(pool.fallback,
                       numbers.place(mistakes.file(), table.line("fallback"), owner + " fallback"));
  } else if (pool.on_exhausted == pool::OnExhausted::kFallback && !table.has("fallback")) {
    mistakes.add(table.line(), owner + " has no fallback number",
                 "fallback = \"+...\", or on_exhausted = \"refuse\"");
  }
  for (const EntryAt<std::string>& entry : table.text_map("source_fallbacks")) {
    const std::string where = owner + " source_fallbacks \"" + entry.key + "\"";
    const std::optional<pool::Number> number = pool::Number::parse(entry.value);
    if (!is_valid_source(entry.key)) {
      mistakes.add(entry.line, where + " is no source", std::string(kSourceForm));
    } else if (!number) {
      mistakes.add(entry.line, where + " = \"" + entry.value + "\" is no number", std::string(kNumberForm));
    } else {
      pool.source_fallbacks.push_back({*number, pool::Source::cut(entry.key)});
      numbers.add(*number, numbers.place(mistakes.file(), entry.line, where));
    }
  }
}

void read_pool(Mistakes& mistakes, NumberRegister& numbers, const TableReader& table,
               const std::string& directory, Config& config) {
  pool::PoolConfig pool;
  const std::string name = table.text("name");
  if (table.has("name") && !pool::is_valid_pool_name(name)) {
    mistakes.add(table.line("name"), "[[pool]] name = \"" + name + "\" is no name of a pool",
                 "1 to 63 of a-z, 0-9 and dash, beginning with a letter");
  }
  pool.name = pool::PoolName::cut(name);
  for (const pool::PoolConfig& other : config.pools.pools) {
    if (other.name == pool.name && !name.empty()) {
      mistakes.add(table.line("name"), "[[pool]] \"" + name + "\" is there twice", "a name of its own");
    }
  }
  pool.ttl = table.duration("ttl");
  pool.hold = table.duration("hold");
  if (table.text("on_exhausted") == "refuse") pool.on_exhausted = pool::OnExhausted::kRefuse;
  if (table.text("durability") == "required") pool.durability = pool::Durability::kRequired;
  pool.valuable_reserve = table.size("valuable_reserve");
  for (const TextAt& text : table.texts("numbers")) {
    add_range(mistakes, numbers, mistakes.file(), text.line, text.text, name, pool);
  }
  read_numbers_file(mistakes, numbers, table, directory, pool);
  if (!table.has("numbers") && !table.has("numbers_file")) {
    mistakes.add(table.line(), "[[pool]] \"" + name + "\" has no numbers", "numbers, numbers_file, or both");
  } else if (table.has("valuable_reserve") && !pool.numbers.empty() &&
             pool.valuable_reserve > pool.numbers.size()) {
    mistakes.add(table.line("valuable_reserve"),
                 "[[pool]] \"" + name + "\" valuable_reserve is more than the pool has",
                 "at most its " + std::to_string(pool.numbers.size()) + " numbers");
  }
  read_fallbacks(mistakes, numbers, table, pool);

  const std::string group = table.text("line_group");
  if (table.has("line_group")) {
    std::vector<std::string_view> known;
    for (const LineGroupConfig& line_group : config.line_groups) known.push_back(line_group.name);
    check_reference(mistakes, table.line("line_group"), "[[pool]] line_group", group, "line group", known);
  }
  config.pools.pools.push_back(std::move(pool));
  config.pool_line_groups.push_back(group);
}

void read_static(Mistakes& mistakes, NumberRegister& numbers, const TableReader& table, Config& config) {
  const std::string source = table.text("source");
  const std::string pool_name = table.text("pool");
  if (table.has("source") && !is_valid_source(source)) {
    mistakes.add(table.line("source"), "[[static]] source is no source", std::string(kSourceForm));
  }
  const pool::Number number = read_number(table, "number");
  if (number) {
    numbers.add(number, numbers.place(mistakes.file(), table.line("number"), "[[static]] number"));
  }
  std::vector<std::string_view> known;
  for (pool::PoolConfig& pool : config.pools.pools) {
    known.push_back(pool.name.view());
    if (pool.name.view() == pool_name && number) {
      pool.static_numbers.push_back({number, pool::Source::cut(source)});
    }
  }
  if (table.has("pool")) {
    check_reference(mistakes, table.line("pool"), "[[static]] pool", pool_name, "pool", known);
  }
}

}  // namespace

void read_pools(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  NumberRegister numbers;
  for (const TableReader& table : read_section(mistakes, "pool", root)) {
    read_pool(mistakes, numbers, table, directory, config);
  }
  for (const TableReader& table : read_section(mistakes, "static", root)) {
    read_static(mistakes, numbers, table, config);
  }
  numbers.note_doubles(mistakes);
  const pool::AttributionParameters attribution = read_attribution(mistakes, root);
  for (pool::PoolConfig& pool : config.pools.pools) pool.attribution = attribution;
  for (const TableReader& table : read_section(mistakes, "memory", root)) {
    config.pools.known_callers = table.size("known_callers");
    config.pools.caller_memory = table.duration("caller_memory");
    config.pools.attribute_bytes = table.size("attribute_bytes");
  }
}

void check_reference(Mistakes& mistakes, std::uint32_t line, const std::string& where,
                     const std::string& name, std::string_view kind,
                     const std::vector<std::string_view>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const std::string_view near = nearest(name, known);
  std::string expected = "the name of a " + std::string(kind);
  if (near.empty() && !known.empty()) expected += " such as \"" + std::string(known.front()) + "\"";
  mistakes.add(line, where + " = \"" + name + "\": there is no such " + std::string(kind), expected, near);
}

std::string beside(const std::string& directory, const std::string& file) {
  return (std::filesystem::path(directory) / file).lexically_normal().string();
}

}  // namespace ringtrace::gateway
