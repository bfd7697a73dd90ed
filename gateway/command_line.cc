#include "gateway/command_line.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "gateway/exit_status.h"

namespace ringtrace::gateway {
namespace {

constexpr const char* kDescription =
    "Ringtrace lends each visit of a website a phone number, stands in the path of the calls to these "
    "numbers,\n"
    "and tells which visit made each call.";

constexpr const char* kFooter = R"(
Examples:
  ringtraced --print-config-reference > ringtrace.toml   a configuration with every key and its default
  ringtraced --config ringtrace.toml --check             all mistakes in it, each with its line
  ringtraced --config ringtrace.toml                     run

Signals:
  TERM, INT   finish what is under way, then end; a second one ends at once
  HUP         read the configuration again: trunks and lines are taken over, the log names what needs a restart

Exit status: 0 ended as asked, 1 could not start, 2 mistakes in the arguments or the configuration.)";

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv, std::ostream& out,
                                                  std::ostream& err) {
  CommandLine result;
  CLI::App app(kDescription, "ringtraced");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("ringtraced ") + RINGTRACE_VERSION);
  app.add_option("--config", result.config, "The configuration, a TOML file")->type_name("FILE");
  app.add_flag("--check", result.check, "Only check the configuration");
  app.add_flag("--print-config-reference", result.print_reference,
               "Print every key of the configuration with its default, range and meaning");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success, out, err);
  } catch (const CLI::ParseError& error) {
    err << "ringtraced: " << error.what() << "\nringtraced --help tells what there is.\n";
    return kExitMistakes;
  }
  if (result.config.empty() && !result.print_reference) {
    err << "ringtraced: which configuration? Give --config FILE; --print-config-reference writes one to "
           "begin "
           "with.\n";
    return kExitMistakes;
  }
  return result;
}

}  // namespace ringtrace::gateway
