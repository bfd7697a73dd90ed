#include <ostream>
#include <string>

#include "gateway/config_schema.h"

namespace ringtrace::gateway {
namespace {

constexpr std::size_t kWidth = 100;

/// Writes `text` as comment lines, broken between words.
void print_comment(std::ostream& out, std::string_view text) {
  std::string line = "#";
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (line.size() + 1 + word.size() > kWidth) {
      out << line << '\n';
      line = "#";
    }
    line += ' ';
    line += word;
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  out << line << '\n';
}

std::string constraints(const KeySpec& spec) {
  std::string text(describe(spec.kind));
  if (!spec.choices.empty()) text = "one of " + std::string(spec.choices);
  if (!spec.least.empty()) text += ", " + std::string(spec.least) + " to " + std::string(spec.most);
  if (spec.required) text += "; required";
  return text;
}

bool is_quoted(ValueKind kind) { return kind == ValueKind::kText || kind == ValueKind::kDuration; }

void print_key(std::ostream& out, const KeySpec& spec) {
  print_comment(out, std::string(spec.doc) + " (" + constraints(spec) + ")");
  if (spec.initial.empty()) {
    out << "#" << spec.key << " =\n\n";
  } else if (is_quoted(spec.kind)) {
    out << spec.key << " = \"" << spec.initial << "\"\n\n";
  } else {
    out << spec.key << " = " << spec.initial << "\n\n";
  }
}

}  // namespace

std::string_view describe(ValueKind kind) {
  switch (kind) {
    case ValueKind::kText:
      return "a text in quotes";
    case ValueKind::kInteger:
      return "a whole number";
    case ValueKind::kReal:
      return "a number";
    case ValueKind::kBoolean:
      return "true or false";
    case ValueKind::kDuration:
      return "a duration such as \"250ms\", \"150s\", \"1h30m\" or \"7d\"";
    case ValueKind::kTexts:
      return "a list of texts";
    case ValueKind::kTextMap:
      return "a table of texts";
    case ValueKind::kRealMap:
      return "a table of numbers";
    case ValueKind::kTables:
      break;
  }
  return "tables in double brackets";
}

void print_config_reference(std::ostream& out) {
  print_comment(out, "The configuration of ringtraced: every table and key with its default.");
  print_comment(out, "A key with a # before it has no default.");
  for (const SectionSpec& section : config_sections()) {
    out << '\n';
    print_comment(out, std::string(section.doc) + (section.required ? " (required)" : ""));
    out << (section.many ? "[[" : "[") << section.name << (section.many ? "]]\n" : "]\n");
    for (const KeySpec& spec : section.keys) {
      if (spec.kind != ValueKind::kTables) print_key(out, spec);
    }
  }
}

}  // namespace ringtrace::gateway
