#include "gateway/ctl/man_page.h"

#include <sstream>
#include <string_view>
#include <vector>

#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

/// Text as roff wants it: dashes and backslashes are themselves, no line begins a macro.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool line_begins = result.empty() || result.back() == '\n';
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

/// The value an option takes, as its help names it, without the library's list of what is allowed; empty for
/// a flag.
std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  const std::string name = option.get_type_name();
  return name.substr(0, name.find(":{"));
}

/// "One of answered, busy.": what the value may be; empty when it may be anything.
std::string choice_of(const CLI::Option& option) {
  std::string name = option.get_type_name();
  const std::size_t begin = name.find(":{");
  if (begin == std::string::npos) return {};
  std::string choice = " One of ";
  for (const char c : name.substr(begin + 2, name.find('}') - begin - 2)) {
    choice += c;
    if (c == ',') choice += ' ';
  }
  return choice + ".";
}

/// Running text in lines that a manual page's source may have, broken between words.
std::string filled(const std::string& text) {
  constexpr std::size_t kWidth = 78;
  std::istringstream words(text);
  std::string result;
  std::size_t width = 0;
  for (std::string word; words >> word;) {
    const std::string clean = escaped(word);
    if (width + 1 + clean.size() > kWidth && width != 0) {
      result += '\n';
      width = 0;
    } else if (width != 0) {
      result += ' ';
      ++width;
    }
    result += clean;
    width += clean.size();
  }
  return result;
}

bool is_positional(const CLI::Option& option) {
  return option.get_lnames().empty() && option.get_snames().empty();
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option*) { return true; });
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void print_option(std::ostream& out, const CLI::Option& option) {
  out << ".TP\n";
  if (is_positional(option)) {
    out << "\\fI" << escaped(option.get_name(true)) << "\\fR\n";
  } else {
    std::string names;
    for (const std::string& name : option.get_snames()) names += "\\fB" + escaped("-" + name) + "\\fR, ";
    for (const std::string& name : option.get_lnames()) names += "\\fB" + escaped("--" + name) + "\\fR";
    const std::string value = value_of(option);
    out << names << (value.empty() ? "" : " \\fI" + escaped(value) + "\\fR") << '\n';
  }
  std::string text = option.get_description();
  if (!option.get_default_str().empty()) text += " [" + option.get_default_str() + "]";
  if (option.get_required() && !is_positional(option)) text += " (required)";
  out << filled(text + "." + choice_of(option)) << '\n';
}

/// The paragraphs of a footer: a title line, then indented lines as they are.
void print_footer(std::ostream& out, const std::string& footer, std::string_view heading) {
  std::istringstream lines(footer);
  bool verbatim = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const bool indented = line.front() == ' ';
    if (!indented) {
      if (verbatim) out << ".EE\n";
      verbatim = false;
      if (line.back() == ':') line.pop_back();
      out << heading << ' ' << (heading == ".SH" ? upper(line) : line) << '\n';
    } else {
      if (!verbatim) out << (heading == ".SH" ? "" : ".PP\n") << ".EX\n";
      verbatim = true;
      out << escaped(line) << '\n';
    }
  }
  if (verbatim) out << ".EE\n";
}

void print_command(std::ostream& out, const std::string& program, const CLI::App& command) {
  out << ".SS " << escaped(program + " " + command.get_name()) << '\n';
  out << filled(command.get_description() + ".") << '\n';
  for (const CLI::Option* option : options_of(command)) {
    if (option->get_name() != "--help") print_option(out, *option);
  }
  std::string examples = command.get_footer();
  examples.erase(0, examples.find('\n') + 1);  // the title: each command has nothing but examples
  print_footer(out, examples, ".PP");
}

void print_variables(std::ostream& out, const CLI::App& app) {
  for (const CLI::Option* option : options_of(app)) {
    if (option->get_envname().empty()) continue;
    out << ".TP\n\\fB" << escaped(option->get_envname()) << "\\fR\nStands in for \\fB"
        << escaped(option->get_name()) << "\\fR.\n";
  }
}

}  // namespace

void print_man_page(std::ostream& out, const CLI::App& app, const std::string& section) {
  const std::string& name = app.get_name();
  std::string purpose = app.get_description();
  if (!purpose.empty() && purpose.back() == '.') purpose.pop_back();
  out << ".TH " << upper(name) << ' ' << section << " \"\" Ringtrace \"Ringtrace manual\"\n";
  out << ".SH NAME\n" << escaped(name) << " \\-\n" << filled(purpose) << '\n';
  out << ".SH SYNOPSIS\n\\fB" << escaped(name) << "\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n";
  out << ".SH OPTIONS\nThey may stand before or after the command.\n";
  for (const CLI::Option* option : options_of(app)) print_option(out, *option);
  out << ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) print_command(out, name, *command);
  out << ".SH ENVIRONMENT\n";
  print_variables(out, app);
  for (const CLI::App* command : commands_of(app)) print_variables(out, *command);
  print_footer(out, app.get_footer(), ".SH");
}

}  // namespace ringtrace::ctl
