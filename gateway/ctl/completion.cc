#include "gateway/ctl/completion.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace ringtrace::ctl {
namespace {

struct Word {
  std::string text;  ///< with its dashes
  std::string help;
  bool takes_value = false;
  std::string values{};  ///< those it may take, with spaces between; empty: any
};

/// What the option may be: the library names it in braces behind the value's name.
std::string values_of(const CLI::Option& option) {
  std::string values = option.get_type_name();
  const std::size_t begin = values.find(":{");
  const std::size_t end = values.find('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  values = values.substr(begin + 2, end - begin - 2);
  std::replace(values.begin(), values.end(), ',', ' ');
  return values;
}

/// The options of a command that a person would type, long names only.
std::vector<Word> options_of(const CLI::App& app) {
  std::vector<Word> words;
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back(
          {"--" + name, option->get_description(), option->get_items_expected_max() > 0, values_of(*option)});
    }
  }
  return words;
}

/// The words that may stand without an option's name; empty when any may, or none.
std::string arguments_of(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_positional()) return values_of(*option);
  }
  return {};
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string joined(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

std::string command_names(const CLI::App& app, std::string_view separator) {
  std::string text;
  for (const CLI::App* command : commands_of(app)) {
    if (!text.empty()) text += separator;
    text += command->get_name();
  }
  return text;
}

/// In single quotes, as all three shells read it.
std::string quoted(std::string_view text, std::string_view escaped_quote) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += escaped_quote;
    } else {
      result += c;
    }
  }
  return result + "'";
}

/// Branches of a shell's case over "COMMAND:WORD BEFORE", each with what `print` makes of the option's
/// values.
template <typename Print>
void print_values(std::ostream& out, const CLI::App& app, const std::string& command, Print print) {
  for (const Word& word : options_of(app)) {
    if (!word.takes_value) continue;
    out << "    " << command << ":" << word.text << ") ";
    print(word.values);
    out << " ;;\n";
  }
}

template <typename Print>
void print_all_values(std::ostream& out, const CLI::App& app, Print print) {
  print_values(out, app, "*", print);
  for (const CLI::App* command : commands_of(app)) print_values(out, *command, command->get_name(), print);
}

void print_bash(std::ostream& out, const CLI::App& app) {
  const std::string& name = app.get_name();
  out << "_" << name << "() {\n"
      << "  local word command= words=" << quoted(joined(options_of(app)), "'\\''") << "\n"
      << "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      << "    case \"$word\" in " << command_names(app, "|") << ") command=$word; break ;; esac\n"
      << "  done\n"
      << "  case \"$command\" in\n"
      << "    '') words=\"$words " << command_names(app, " ") << "\" ;;\n";
  for (const CLI::App* command : commands_of(app)) {
    out << "    " << command->get_name() << ") words=\"$words " << joined(options_of(*command));
    if (const std::string arguments = arguments_of(*command); !arguments.empty()) out << ' ' << arguments;
    out << "\" ;;\n";
  }
  // Where any value may stand, bash's own completion of files is as good a guess as any.
  out << "  esac\n  case \"$command:${COMP_WORDS[COMP_CWORD-1]}\" in\n";
  print_all_values(out, app, [&](const std::string& values) { out << "words='" << values << "'"; });
  out << "  esac\n"
      << "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      << "}\n"
      << "complete -o default -F _" << name << ' ' << name << '\n';
}

/// "word:help" lines for _describe, whose colons separate.
void print_zsh_words(std::ostream& out, const std::vector<Word>& words) {
  for (const Word& word : words) {
    std::string help = word.help;
    for (std::size_t at = 0; (at = help.find(':', at)) != std::string::npos; at += 2) help.insert(at, "\\");
    out << " " << quoted(word.text + ":" + help, "'\\''");
  }
}

void print_zsh(std::ostream& out, const CLI::App& app) {
  const std::string& name = app.get_name();
  std::vector<Word> commands;
  for (const CLI::App* command : commands_of(app)) {
    commands.push_back({command->get_name(), command->get_description()});
  }
  out << "#compdef " << name << "\n_" << name << "() {\n  local word command=\n  local -a options commands\n"
      << "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
      << "    case \"$word\" in " << command_names(app, "|") << ") command=$word; break ;; esac\n"
      << "  done\n  case \"$command:${words[CURRENT-1]}\" in\n";
  print_all_values(out, app, [&](const std::string& values) {
    out << (values.empty() ? "_files" : "compadd " + values) << "; return";
  });
  out << "  esac\n  options=(";
  print_zsh_words(out, options_of(app));
  out << ")\n  case \"$command\" in\n    '') commands=(";
  print_zsh_words(out, commands);
  out << "); _describe command commands ;;\n";
  for (const CLI::App* command : commands_of(app)) {
    out << "    " << command->get_name() << ") options+=(";
    print_zsh_words(out, options_of(*command));
    out << ")";
    if (const std::string arguments = arguments_of(*command); !arguments.empty()) {
      out << "; compadd " << arguments;
    }
    out << " ;;\n";
  }
  out << "  esac\n  _describe option options\n  _files\n}\n"
      << "if [ \"$funcstack[1]\" = _" << name << " ]; then _" << name << "; else compdef _" << name << ' '
      << name << "; fi\n";
}

void print_fish_options(std::ostream& out, const CLI::App& app, const std::string& begin) {
  for (const Word& word : options_of(app)) {
    out << begin << " -l " << word.text.substr(2);
    if (word.takes_value) out << (word.values.empty() ? " -r" : " -x -a " + quoted(word.values, "\\'"));
    out << " -d " << quoted(word.help, "\\'") << '\n';
  }
}

void print_fish(std::ostream& out, const CLI::App& app) {
  const std::string begin = "complete -c " + app.get_name();
  print_fish_options(out, app, begin);
  for (const CLI::App* command : commands_of(app)) {
    out << begin << " -f -n __fish_use_subcommand -a " << command->get_name() << " -d "
        << quoted(command->get_description(), "\\'") << '\n';
    const std::string inside = begin + " -n '__fish_seen_subcommand_from " + command->get_name() + "'";
    print_fish_options(out, *command, inside);
    if (const std::string arguments = arguments_of(*command); !arguments.empty()) {
      out << inside << " -f -a " << quoted(arguments, "\\'") << '\n';
    }
  }
}

}  // namespace

void print_completion(std::ostream& out, const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return print_bash(out, app);
  if (shell == "zsh") return print_zsh(out, app);
  print_fish(out, app);
}

}  // namespace ringtrace::ctl
