#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <utility>

#include "gateway/ctl/commands.h"
#include "gateway/ctl/text.h"
#include "gateway/ctl/trunks_command.h"

namespace {

namespace ctl = ringtrace::ctl;

constexpr const char* kFooter =
    "Exit codes:\n"
    "  0  done\n"
    "  1  the gateway refused, or knows no such thing\n"
    "  2  the command line is wrong\n"
    "  3  the gateway cannot be reached\n"
    "  4  the gateway is in trouble: its store is away, it is stopping, or no answer came in time\n\n"
    "Examples:\n"
    "  ringtracectl lease --visit v-1001 --utm-source google --utm-medium cpc\n"
    "  ringtracectl calls --follow\n"
    "  ringtracectl COMMAND --help\n";

using Duration = std::optional<std::chrono::milliseconds>;

void add_duration(CLI::App& command, const std::string& name, const std::string& help, Duration& target) {
  command
      .add_option_function<std::string>(
          name, [&target](const std::string& text) { target = ctl::parse_duration(text); }, help)
      ->type_name("DURATION")
      ->check([](const std::string& text) {
        return ctl::parse_duration(text) ? std::string()
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

void add_lease(CLI::App& app, ctl::LeaseOptions& options) {
  CLI::App& command = *app.add_subcommand("lease", "Lend a number to a visit");
  add_pool(command, options.pool);
  add_visit(command, options.visit);
  command.add_option("--visitor", options.visitor, "The browser, over many visits")->type_name("ID");
  command.add_option("--utm-source", options.utm_source, "utm_source of the landing URL");
  command.add_option("--utm-medium", options.utm_medium, "utm_medium of the landing URL");
  command.add_option("--utm-campaign", options.utm_campaign, "utm_campaign of the landing URL");
  command.add_option("--utm-term", options.utm_term, "utm_term of the landing URL");
  command.add_option("--utm-content", options.utm_content, "utm_content of the landing URL");
  command.add_option("--referrer", options.referrer, "The page the browser came from")->type_name("URL");
  command.add_option("--landing-page", options.landing_page, "The first page of the visit")->type_name("URL");
  add_pairs(command, "--click-id", "A click id, such as gclid=...; may be repeated", options.click_ids);
  add_pairs(command, "--attr", "Anything else to find again in the call's events; may be repeated",
            options.extra);
  add_duration(command, "--ttl", "How long; the pool's own time when not given", options.ttl);
  command.footer(
      "Examples:\n"
      "  ringtracectl lease --visit v-1001 --utm-source google --utm-medium cpc --ttl 30m\n"
      "  ringtracectl lease --visit v-1002 --click-id yclid=118... --attr cart=full --json\n");
}

CLI::App& add_held(CLI::App& app, const std::string& name, const std::string& help, const std::string& footer,
                   ctl::HeldOptions& options) {
  CLI::App& command = *app.add_subcommand(name, help);
  add_pool(command, options.pool);
  add_visit(command, options.visit);
  command.footer("Example:\n  " + footer + "\n");
  return command;
}

void add_calls(CLI::App& app, ctl::CallsOptions& options) {
  CLI::App& command =
      *app.add_subcommand("calls", "Show call events: what the log holds, or each as it happens");
  command.add_flag("-f,--follow", options.follow,
                   "Go on with each event as it happens; connects again when the gateway restarts");
  command
      .add_option("--from", options.from,
                  "After this event, or from the oldest. By default the oldest; with --follow the next one")
      ->type_name("CURSOR|oldest");
  command.add_option("--limit", options.limit, "End after this many events")->type_name("N");
  command.footer(
      "Examples:\n"
      "  ringtracectl calls\n"
      "  ringtracectl calls --follow --from oldest\n"
      "  ringtracectl calls --follow --json | jq -r .call.resolution.source\n");
}

void add_resolve(CLI::App& app, ctl::ResolveOptions& options) {
  CLI::App& command = *app.add_subcommand("resolve", "Tell who a call to a number would be from, and why");
  command.add_option("NUMBER", options.number, "The dialed number, such as +74950000001")->required();
  command.add_option("--caller", options.caller, "The caller's number")->type_name("NUMBER");
  command.add_option("--at", options.at, "When the call came (RFC 3339); now when not given")
      ->type_name("TIME");
  command.footer(
      "Examples:\n"
      "  ringtracectl resolve +74950000001\n"
      "  ringtracectl resolve +74950000001 --caller +79160000000 --at 2026-03-01T12:00:00Z\n");
}

void add_common(CLI::App& app, ctl::Common& common, Duration& timeout) {
  app.add_option("--server", common.server, "The gateway")
      ->type_name("HOST:PORT")
      ->envname("RINGTRACE_SERVER")
      ->capture_default_str();
  app.add_flag("--json", common.json, "One JSON object a line, for programs");
  add_duration(app, "--timeout", "How long to wait for an answer [5s]", timeout);
}

bool wants_colour() { return isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr; }

struct Options {
  ctl::Common common;
  ctl::LeaseOptions lease;
  ctl::HeldOptions held;
  ctl::CallsOptions calls;
  ctl::ResolveOptions resolve;
  std::string pool;
  std::string http = "127.0.0.1:7081";
};

int run(const CLI::App& app, const Options& options) {
  if (app.got_subcommand("lease")) return ctl::lease(options.common, options.lease);
  if (app.got_subcommand("renew")) return ctl::renew(options.common, options.held);
  if (app.got_subcommand("release")) return ctl::release(options.common, options.held);
  if (app.got_subcommand("get")) return ctl::get(options.common, options.held);
  if (app.got_subcommand("calls")) return ctl::calls(options.common, options.calls);
  if (app.got_subcommand("resolve")) return ctl::resolve(options.common, options.resolve);
  if (app.got_subcommand("trunks")) return ctl::trunks(options.common, options.http);
  return ctl::pool(options.common, options.pool);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    Duration timeout;
    CLI::App app("Leases numbers, follows calls and looks into pools through a Ringtrace gateway.",
                 "ringtracectl");
    app.footer(kFooter);
    app.require_subcommand(1);
    app.fallthrough();
    add_common(app, options.common, timeout);
    add_lease(app, options.lease);
    CLI::App& renew = add_held(app, "renew", "Extend a visit's lease",
                               "ringtracectl renew --visit v-1001 --ttl 1h", options.held);
    add_duration(renew, "--ttl", "How far; the pool's own time when not given", options.held.ttl);
    add_held(app, "release", "End a visit's lease", "ringtracectl release --visit v-1001", options.held);
    add_held(app, "get", "Show a visit's lease", "ringtracectl get --visit v-1001 --json", options.held);
    add_calls(app, options.calls);
    add_resolve(app, options.resolve);
    CLI::App& pool = *app.add_subcommand("pool", "Show the pools, or one of them");
    pool.add_option("NAME", options.pool, "The pool; all when not given");
    pool.footer("Examples:\n  ringtracectl pool\n  ringtracectl pool main --json\n");
    CLI::App& trunks = *app.add_subcommand("trunks", "Show how trunks and lines are doing");
    trunks.add_option("--http", options.http, "The gateway's HTTP port")
        ->type_name("HOST:PORT")
        ->envname("RINGTRACE_HTTP")
        ->capture_default_str();
    trunks.footer("Example:\n  ringtracectl trunks\n");
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? ctl::kExitOk : ctl::kExitUsage;
    }
    if (timeout) options.common.timeout = *timeout;
    options.common.colour = wants_colour();
    return run(app, options);
  } catch (const std::exception& error) {
    std::cerr << "ringtracectl: " << error.what() << '\n';
    return ctl::kExitTrouble;
  }
}
