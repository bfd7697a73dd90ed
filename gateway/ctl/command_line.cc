#include "gateway/ctl/command_line.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <utility>
#include <vector>

#include "gateway/ctl/command_options.h"
#include "gateway/ctl/commands.h"
#include "gateway/ctl/completion.h"
#include "gateway/ctl/man_page.h"
#include "gateway/ctl/shown_token.h"
#include "gateway/ctl/text.h"
#include "gateway/ctl/trunks_command.h"

namespace ringtrace::ctl {
namespace {

constexpr const char* kFooter =
    "Beside the variables that stand in for options:\n"
    "  RINGTRACE_TOKEN  the token to show, in place of --token-file\n"
    "  NO_COLOR         when set, --color auto means never\n\n"
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

}  // namespace

struct CommandLine::Options {
  Common common;
  std::string colour = "auto";
  std::string token_file;
  std::optional<std::chrono::milliseconds> timeout;
  LeaseOptions lease;
  LeaseManyOptions lease_many;
  HeldOptions held;
  CallsOptions calls;
  ListCallsOptions list_calls;
  std::string call_id;
  ResolveOptions resolve;
  EraseOptions erase;
  std::string pool;
  WatchPoolsOptions watch;
  NumbersOptions numbers;
  PlanOptions plan;
  TokenOptions token;
  std::string shell;
  std::string http = "127.0.0.1:7081";
};

CommandLine::CommandLine()
    : options_(std::make_unique<Options>()),
      app_(std::make_unique<CLI::App>(
          "Leases numbers, follows calls and looks into pools through a Ringtrace gateway.",
          "ringtracectl")) {
  app_->footer(kFooter);
  app_->require_subcommand(1);
  app_->fallthrough();
  app_->set_version_flag("--version", std::string("ringtracectl ") + RINGTRACE_VERSION);
  add_common();
  add_leases();
  add_calls();
  add_pools();
  add_tools();
}

CommandLine::~CommandLine() = default;

int CommandLine::run() {
  finish_common();
  for (const auto& [command, run] : runs_) {
    if (command->parsed()) return run();
  }
  return kExitUsage;
}

CLI::App& CommandLine::add(const std::string& name, const std::string& help, const std::string& examples,
                           Run run) {
  CLI::App& command = *app_->add_subcommand(name, help);
  command.footer("Examples:\n" + examples);
  runs_.emplace_back(&command, std::move(run));
  return command;
}

void CommandLine::add_common() {
  Common& common = options_->common;
  add_address(*app_, "--server", "The gateway", common.server)
      .envname("RINGTRACE_SERVER")
      ->take_last()
      ->capture_default_str();
  app_->add_flag("--json", common.json, "One JSON object a line, for programs");
  add_duration(*app_, "--timeout", "How long to wait for an answer [5s]", options_->timeout)
      .check([](const std::string& text) {
        return parse_duration(text) == std::chrono::milliseconds(0) ? "must be more than 0, not " + text
                                                                    : std::string();
      });
  app_->add_option("--color", options_->colour, "Whether to colour tables: auto, always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app_->add_flag("--tls", common.tls, "Speak TLS, trusting the system's certificate authorities");
  app_->add_option("--tls-ca", common.tls_ca, "Speak TLS, trusting those of this PEM file")
      ->type_name("FILE")
      ->envname("RINGTRACE_TLS_CA");
  CLI::Option* certificate = app_->add_option("--tls-cert", common.tls_certificate,
                                              "Our certificate, where the gateway asks for one")
                                 ->type_name("FILE")
                                 ->envname("RINGTRACE_TLS_CERT");
  CLI::Option* key = app_->add_option("--tls-key", common.tls_key, "Its key")
                         ->type_name("FILE")
                         ->envname("RINGTRACE_TLS_KEY");
  certificate->needs(key);
  key->needs(certificate);
  app_->add_option("--token-file", options_->token_file,
                   "A file with the token to show; RINGTRACE_TOKEN in the environment is the token itself")
      ->type_name("FILE")
      ->envname("RINGTRACE_TOKEN_FILE");
}

void CommandLine::finish_common() {
  Common& common = options_->common;
  if (options_->timeout) common.timeout = *options_->timeout;
  const bool terminal = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  common.colour = options_->colour == "always" || (options_->colour == "auto" && terminal);
  common.tls = common.tls || !common.tls_ca.empty() || !common.tls_certificate.empty();
  common.token = shown_token(options_->token_file);
}

void CommandLine::add_leases() {
  Options& options = *options_;
  CLI::App& lease =
      add("lease", "Lend a number to a visit",
          "  ringtracectl lease --visit v-1001 --utm-source google --utm-medium cpc --ttl 30m\n"
          "  ringtracectl lease --visit v-1002 --click-id yclid=118... --attr cart=full --json\n",
          [&] { return ctl::lease(options.common, options.lease); });
  add_pool(lease, options.lease.pool);
  add_visit(lease, options.lease.visit);
  lease.add_option("--visitor", options.lease.visitor, "The browser, over many visits")->type_name("ID");
  const std::pair<const char*, std::string*> utm[] = {{"source", &options.lease.utm_source},
                                                      {"medium", &options.lease.utm_medium},
                                                      {"campaign", &options.lease.utm_campaign},
                                                      {"term", &options.lease.utm_term},
                                                      {"content", &options.lease.utm_content}};
  for (const auto& [name, target] : utm) {
    lease.add_option(std::string("--utm-") + name, *target,
                     std::string("utm_") + name + " of the landing URL");
  }
  lease.add_option("--referrer", options.lease.referrer, "The page the browser came from")->type_name("URL");
  lease.add_option("--landing-page", options.lease.landing_page, "The first page of the visit")
      ->type_name("URL");
  add_pairs(lease, "--click-id", "A click id, such as gclid=...; may be repeated", options.lease.click_ids);
  add_pairs(lease, "--attr", "Anything else to find again in the call's events; may be repeated",
            options.lease.extra);
  lease
      .add_option(
          "--admission", options.lease.admission,
          "normal, valuable or bot, for a pool that runs short; the gateway's own judgement when not given")
      ->type_name("CLASS")
      ->check(CLI::IsMember({"normal", "valuable", "bot"}));
  add_request_id(lease, options.lease.request_id);
  add_expiration(lease, "How long", options.lease.expiration);

  CLI::App& many = add("lease-many", "Lend a number to each visit named on standard input",
                       "  printf 'v-1\\nv-2\\n' | ringtracectl lease-many --pool main\n"
                       "  echo '{\"visit_id\":\"v-3\",\"attributes\":{\"utm_source\":\"google\"}}' |\n"
                       "      ringtracectl lease-many --json\n",
                       [&] { return ctl::lease_many(options.common, options.lease_many); });
  add_pool(many, options.lease_many.pool);
  add_expiration(many, "How long", options.lease_many.expiration);

  CLI::App& renew = add("renew", "Extend a visit's lease", "  ringtracectl renew --visit v-1001 --ttl 1h\n",
                        [&] { return ctl::renew(options.common, options.held); });
  add_expiration(renew, "How far", options.held.expiration);
  CLI::App& release = add("release", "End a visit's lease", "  ringtracectl release --visit v-1001\n",
                          [&] { return ctl::release(options.common, options.held); });
  CLI::App& get = add("get", "Show a visit's lease", "  ringtracectl get --visit v-1001 --json\n",
                      [&] { return ctl::get(options.common, options.held); });
  for (CLI::App* command : {&renew, &release, &get}) {
    add_pool(*command, options.held.pool);
    add_visit(*command, options.held.visit);
  }
  add_request_id(renew, options.held.request_id);
  add_request_id(release, options.held.request_id);
}

void CommandLine::add_calls() {
  Options& options = *options_;
  CLI::App& calls = add("calls", "Show call events: what the log holds, or each as it happens",
                        "  ringtracectl calls\n"
                        "  ringtracectl calls --follow --from oldest\n"
                        "  ringtracectl calls --follow --type ended --pool main\n"
                        "  ringtracectl calls --subscription crm --share --json\n"
                        "  ringtracectl calls --follow --json | jq -r .call.resolution.source\n",
                        [&] {
                          // Only the gateway knows where a subscription stands, and so where it would end.
                          options.calls.follow = options.calls.follow || !options.calls.subscription.empty();
                          return ctl::calls(options.common, options.calls);
                        });
  calls.add_flag("-f,--follow", options.calls.follow,
                 "Go on with each event as it happens; connects again when the gateway restarts");
  CLI::Option* from =
      calls
          .add_option(
              "--from", options.calls.from,
              "After this event, or from the oldest. By default the oldest; with --follow the next one")
          ->type_name("CURSOR|oldest");
  CLI::Option* subscription =
      calls
          .add_option(
              "--subscription", options.calls.subscription,
              "Follow on after what was printed under this name last time; the gateway keeps the place")
          ->type_name("NAME")
          ->excludes(from);
  calls
      .add_flag("--share", options.calls.share,
                "Divide the subscription's events among all that follow it so, instead of all having each")
      ->needs(subscription);
  calls.add_option("--pool", options.calls.pools, "Only calls to numbers of this pool; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  calls.add_option("--type", options.calls.types, "Only such events; may be repeated")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"ringing", "answered", "ended", "attribution_updated"}))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_limit(calls, "End after this many events", options.calls.limit);

  CLI::App& list = add("list-calls", "List calls, the latest first",
                       "  ringtracectl list-calls --since 24h --outcome no_answer\n"
                       "  ringtracectl list-calls --source google/cpc --limit 0 --json\n",
                       [&] { return ctl::list_calls(options.common, options.list_calls); });
  list.add_option("--since", options.list_calls.since,
                  "Started at this time (RFC 3339) or so long ago, or later")
      ->type_name("TIME|DURATION");
  list.add_option("--until", options.list_calls.until, "Started before that")->type_name("TIME|DURATION");
  list.add_option("--pool", options.list_calls.pool, "To a number of this pool")->type_name("NAME");
  list.add_option("--number", options.list_calls.number, "To this number")->type_name("NUMBER");
  list.add_option("--source", options.list_calls.source, "Credited to this source")->type_name("SOURCE");
  list.add_option("--outcome", options.list_calls.outcome, "That ended so")
      ->type_name("OUTCOME")
      ->check(CLI::IsMember({"answered", "busy", "no_answer", "cancelled", "failed", "unknown_end"}));
  add_limit(list, "This many at most; 0 for all", options.list_calls.limit).capture_default_str();

  CLI::App& get = add("get-call", "Show a call, its resolution and all candidates",
                      "  ringtracectl get-call 01M84Y2KS4HJ6QVXCB5XNYC2CN\n",
                      [&] { return ctl::get_call(options.common, options.call_id); });
  get.add_option("CALL", options.call_id, "The call's id")->required();

  CLI::App& erase = add("erase",
                        "Remove what is personal of the calls a person made or forwarded: the numbers, and "
                        "who their visits were",
                        "  ringtracectl erase --caller +12025550190\n"
                        "  ringtracectl erase --caller +12025550190 --rewrite-append-only-file\n",
                        [&] { return ctl::erase(options.common, options.erase); });
  erase
      .add_option("--caller", options.erase.caller,
                  "The person's number in E.164, or the text calls tell it by")
      ->type_name("NUMBER")
      ->required();
  erase.add_flag(
      "--rewrite-append-only-file", options.erase.rewrite,
      "Also have Redis rewrite its append-only file, which else holds what was erased until its next "
      "rewrite");
  add_request_id(erase, options.erase.request_id);

  CLI::App& resolve =
      add("resolve", "Tell who a call to a number would be from, and why",
          "  ringtracectl resolve +74950000001\n"
          "  ringtracectl resolve +74950000001 --caller +79160000000 --at 2026-03-01T12:00:00Z\n",
          [&] { return ctl::resolve(options.common, options.resolve); });
  resolve.add_option("NUMBER", options.resolve.number, "The dialed number, such as +74950000001")->required();
  resolve.add_option("--caller", options.resolve.caller, "The caller's number")->type_name("NUMBER");
  add_time(resolve, "--at", "When the call came; now when not given", options.resolve.at);
}

void CommandLine::add_pools() {
  Options& options = *options_;
  CLI::App& pool =
      add("pool", "Show the pools, or one of them", "  ringtracectl pool\n  ringtracectl pool main --json\n",
          [&] { return ctl::pool(options.common, options.pool); });
  pool.add_option("NAME", options.pool, "The pool; all when not given");

  CLI::App& watch = add("watch-pools", "Show pools whenever they change, at most once a second",
                        "  ringtracectl watch-pools\n  ringtracectl watch-pools main --json\n",
                        [&] { return ctl::watch_pools(options.common, options.watch); });
  watch.add_option("NAMES", options.watch.names, "The pools; all when not given");
  add_limit(watch, "End after this many lines", options.watch.limit);

  CLI::App& add_command = add("add-numbers", "Put numbers into a pool, or drained ones back",
                              "  ringtracectl add-numbers --pool main +12025550131 +12025550132\n"
                              "  ringtracectl add-numbers --pool main - < numbers.txt\n",
                              [&] { return ctl::add_numbers(options.common, options.numbers); });
  CLI::App& drain = add("drain-numbers", "Take numbers out of use; each finishes its lease and hold first",
                        "  ringtracectl drain-numbers --pool main +12025550131\n",
                        [&] { return ctl::drain_numbers(options.common, options.numbers); });
  for (CLI::App* command : {&add_command, &drain}) {
    add_pool(*command, options.numbers.pool);
    add_request_id(*command, options.numbers.request_id);
    command
        ->add_option("NUMBERS", options.numbers.numbers, "Numbers in E.164; - reads them from standard input")
        ->required();
  }

  CLI::App& plan = add("plan", "Tell how many numbers a traffic needs",
                       "  ringtracectl plan --hourly-visits 1200 --visit 3m --hold 150s --exhausted 0.01\n",
                       [&] { return ctl::plan(options.common, options.plan); });
  add_number(plan, "--hourly-visits", "Visits an hour at the peak", options.plan.hourly_visits)
      .type_name("N")
      ->required();
  add_duration(plan, "--visit", "How long a visit lasts on average", options.plan.visit).required();
  add_duration(plan, "--hold", "How long a number is held after a visit [0s]", options.plan.hold);
  add_number(plan, "--exhausted", "The share of visits that may find the pool empty",
             options.plan.exhausted_share)
      .type_name("SHARE")
      ->capture_default_str();
}

void CommandLine::add_tools() {
  Options& options = *options_;
  CLI::App& trunks = add("trunks", "Show how trunks and lines are doing", "  ringtracectl trunks\n",
                         [&] { return ctl::trunks(options.common, options.http); });
  add_address(trunks, "--http", "The gateway's HTTP port", options.http)
      .envname("RINGTRACE_HTTP")
      ->capture_default_str();
  add("health", "Tell whether the gateway serves; exits with 4 when it does not",
      "  ringtracectl health\n  ringtracectl health --json --timeout 1s\n",
      [&] { return ctl::health(options.common); });

  CLI::App& token = add("token", "Make a token for a client, and the table for the gateway's token file",
                        "  ringtracectl token --name shop --scope lease --pool main\n"
                        "  ringtracectl token --name crm --scope read --expire-time 2027-01-31T00:00:00Z\n",
                        [&] { return ctl::token(options.common, options.token); });
  token
      .add_option("--name", options.token.name,
                  "What errors and logs call it: a-z, 0-9 and dash, a letter first")
      ->type_name("NAME")
      ->required();
  token.add_option("--scope", options.token.scopes, "What it may do: lease, read or admin; may be repeated")
      ->type_name("SCOPE")
      ->check(CLI::IsMember({"lease", "read", "admin"}))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->required();
  token.add_option("--pool", options.token.pools, "A pool it is for; may be repeated; all when not given")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_time(token, "--expire-time", "Refused from then on", options.token.expire_time);

  CLI::App& completion =
      add("completion", "Print a shell's completion of these commands",
          "  ringtracectl completion bash > /etc/bash_completion.d/ringtracectl\n"
          "  ringtracectl completion zsh > \"${fpath[1]}/_ringtracectl\"\n"
          "  ringtracectl completion fish > ~/.config/fish/completions/ringtracectl.fish\n",
          [&] { return print_completion(std::cout, *app_, options.shell), kExitOk; });
  completion.add_option("SHELL", options.shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  add("man", "Print the manual page", "  ringtracectl man > ringtracectl.1 && man ./ringtracectl.1\n",
      [&] { return print_man_page(std::cout, *app_, "1"), kExitOk; });
}

}  // namespace ringtrace::ctl
