#include "gateway/ctl/mistake_text.h"

#include <string_view>
#include <vector>

#include "gateway/ctl/text.h"
#include "gateway/nearest.h"

namespace ringtrace::ctl {
namespace {

void add_options(const CLI::App& app, std::vector<std::string>& words) {
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
}

/// What could have stood in place of the unknown word.
std::vector<std::string> words_instead_of(const std::string& unknown, const CLI::App& app) {
  std::vector<std::string> words;
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  if (unknown.front() == '-') {
    add_options(app, words);
    for (const CLI::App* command : parsed) add_options(*command, words);
  } else if (parsed.empty()) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      words.push_back(command->get_name());
    }
  }
  return words;
}

std::string unknown_text(const std::string& unknown, const CLI::App& app) {
  const std::vector<std::string> words = words_instead_of(unknown, app);
  const bool option = unknown.front() == '-';
  std::string text = printable(unknown);
  if (option) {
    text += " is no option";
  } else if (app.get_subcommands().empty()) {
    text += " is no command";
  } else {
    text += " is not expected";
  }
  // Of "--name=value" the name is what was mistyped.
  const std::string name = unknown.substr(0, unknown.find('='));
  const std::string_view meant = gateway::nearest(name, {words.begin(), words.end()});
  if (!meant.empty()) text.append("; did you mean ").append(meant).append("?");
  return text;
}

}  // namespace

std::string mistake_text(const CLI::App& app, const CLI::Error& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  if (!unknown.empty() && !unknown.front().empty()) return unknown_text(unknown.front(), app);
  if (app.get_subcommands().empty() && error.get_name() == "RequiredError") return "which command?";
  return error.what();
}

std::string mistake_advice(const CLI::App& app) {
  std::string command;
  for (const CLI::App* parsed : app.get_subcommands()) command = " " + parsed->get_name();
  return app.get_name() + command + " --help tells what there is.";
}

}  // namespace ringtrace::ctl
