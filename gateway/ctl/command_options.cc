#include "gateway/ctl/command_options.h"

#include <vector>

#include "gateway/ctl/text.h"

namespace ringtrace::ctl {

CLI::Option& add_duration(CLI::App& command, const std::string& name, const std::string& help,
                          std::optional<std::chrono::milliseconds>& target) {
  return *command
              .add_option_function<std::string>(
                  name, [&target](const std::string& text) { target = parse_duration(text); }, help)
              ->type_name("DURATION")
              ->check([](const std::string& text) {
                return parse_duration(text) ? std::string()
                                            : "must be a time such as 30m, 1h30m or 90s, not " + text;
              });
}

void add_pairs(CLI::App& command, const std::string& name, const std::string& help,
               std::map<std::string, std::string>& target) {
  command
      .add_option_function<std::vector<std::string>>(
          name,
          [&target](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const std::size_t equals = pair.find('=');
              target[pair.substr(0, equals)] = pair.substr(equals + 1);
            }
          },
          help)
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([](const std::string& pair) {
        const std::size_t equals = pair.find('=');
        return equals == std::string::npos || equals == 0 ? "must be NAME=VALUE, not " + pair : std::string();
      });
}

void add_pool(CLI::App& command, std::string& pool) {
  command.add_option("--pool", pool, "The pool")->type_name("NAME")->capture_default_str();
}

void add_visit(CLI::App& command, std::string& visit) {
  command.add_option("--visit", visit, "The website's name of the visit")->type_name("ID")->required();
}

}  // namespace ringtrace::ctl
