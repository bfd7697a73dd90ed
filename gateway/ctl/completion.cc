#include "gateway/ctl/completion.h"

#include <string_view>
#include <vector>

namespace ringtrace::ctl {
namespace {

struct Word {
  std::string text;  ///< with its dashes
  std::string help;
  bool takes_value = false;
};

/// The options of a command that a person would type, long names only.
std::vector<Word> options_of(const CLI::App& app) {
  std::vector<Word> words;
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back({"--" + name, option->get_description(), option->get_items_expected_max() > 0});
    }
  }
  return words;
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
    out << "    " << command->get_name() << ") words=\"$words " << joined(options_of(*command)) << "\" ;;\n";
  }
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
      << "  for word in \"${words[@]:1:CURRENT-2}\"; do\n"
      << "    case \"$word\" in " << command_names(app, "|") << ") command=$word; break ;; esac\n"
      << "  done\n  options=(";
  print_zsh_words(out, options_of(app));
  out << ")\n  case \"$command\" in\n    '') commands=(";
  print_zsh_words(out, commands);
  out << "); _describe command commands ;;\n";
  for (const CLI::App* command : commands_of(app)) {
    out << "    " << command->get_name() << ") options+=(";
    print_zsh_words(out, options_of(*command));
    out << ") ;;\n";
  }
  out << "  esac\n  _describe option options\n  _files\n}\n"
      << "if [ \"$funcstack[1]\" = _" << name << " ]; then _" << name << "; else compdef _" << name << ' '
      << name << "; fi\n";
}

void print_fish_options(std::ostream& out, const CLI::App& app, const std::string& begin) {
  for (const Word& word : options_of(app)) {
    out << begin << " -l " << word.text.substr(2) << (word.takes_value ? " -r" : "") << " -d "
        << quoted(word.help, "\\'") << '\n';
  }
}

void print_fish(std::ostream& out, const CLI::App& app) {
  const std::string begin = "complete -c " + app.get_name();
  print_fish_options(out, app, begin);
  for (const CLI::App* command : commands_of(app)) {
    out << begin << " -f -n __fish_use_subcommand -a " << command->get_name() << " -d "
        << quoted(command->get_description(), "\\'") << '\n';
    print_fish_options(out, *command,
                       begin + " -n '__fish_seen_subcommand_from " + command->get_name() + "'");
  }
}

}  // namespace

void print_completion(std::ostream& out, const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return print_bash(out, app);
  if (shell == "zsh") return print_zsh(out, app);
  print_fish(out, app);
}

}  // namespace ringtrace::ctl
