#include "gateway/ctl/command_options.h"

#include <google/protobuf/util/time_util.h>

#include <charconv>
#include <cstdint>
#include <system_error>
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

CLI::Option& add_time(CLI::App& command, const std::string& name, const std::string& help,
                      std::string& target) {
  return *command.add_option(name, target, help + " (RFC 3339)")
              ->type_name("TIME")
              ->check([](const std::string& text) {
                google::protobuf::Timestamp time;
                return google::protobuf::util::TimeUtil::FromString(text, &time)
                           ? std::string()
                           : "must be a time of RFC 3339, such as 2026-03-01T12:00:00Z, not " + text;
              });
}

void add_expiration(CLI::App& command, const std::string& how_long, Expiration& target) {
  CLI::Option& ttl =
      add_duration(command, "--ttl", how_long + "; the pool's own time when not given", target.ttl);
  add_time(command, "--expire-time", "Until when, in place of --ttl", target.expire_time).excludes(&ttl);
}

void add_request_id(CLI::App& command, std::string& request_id) {
  command.add_option("--request-id", request_id, "Names the request; an error tells it again")
      ->type_name("ID");
}

CLI::Option& add_limit(CLI::App& command, const std::string& help, std::uint64_t& limit) {
  return *command.add_option("--limit", limit, help)->type_name("N")->check([](const std::string& text) {
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    return digits ? std::string() : "must be a count, not " + text;
  });
}

CLI::Option& add_number(CLI::App& command, const std::string& name, const std::string& help, double& target) {
  return *command.add_option(name, target, help)->check([](const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? std::string() : "must be a number, not " + text;
  });
}

CLI::Option& add_address(CLI::App& command, const std::string& name, const std::string& help,
                         std::string& address) {
  return *command.add_option(name, address, help)->type_name("HOST:PORT")->check([](const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const std::string port = colon == std::string::npos || colon == 0 ? "" : text.substr(colon + 1);
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    const bool both = error == std::errc() && end == port.data() + port.size() && value != 0;
    return both ? std::string() : "must be HOST:PORT, not " + text;
  });
}

void add_visit(CLI::App& command, std::string& visit) {
  command.add_option("--visit", visit, "The website's name of the visit")->type_name("ID")->required();
}

}  // namespace ringtrace::ctl
