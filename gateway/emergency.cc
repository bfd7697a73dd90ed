#include "gateway/emergency.h"

#include <fcntl.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>

#include "gateway/mailbox.h"
#include "gateway/name_file.h"
#include "gateway/signals.h"
#include "gateway/sip_config.h"
#include "sip/proxy.h"

namespace ringtrace::gateway {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPlanFile = "emergency.toml";
constexpr const char* kGroup = "emergency";
constexpr auto kLook = 2s;  // between two looks at the configuration
constexpr auto kGrace = 2s;

std::filesystem::path plan_in(const std::string& state_directory) {
  return std::filesystem::path(state_directory) / kPlanFile;
}

toml::array listens_of(const Config& config) {
  toml::array listens;
  for (const SipEndpoint& listen : config.sip.listen) {
    // A certificate may be among what is broken.
    if (listen.transport != sip::Transport::kTls) listens.push_back(listen.to_string());
  }
  return listens;
}

template <typename Items, typename ToText>
toml::array texts_of(const Items& items, const ToText& to_text) {
  toml::array texts;
  for (const auto& item : items) texts.push_back(to_text(item));
  return texts;
}

// An account that nobody kept registered would soon get no calls.
toml::table registration_table(const sip::RegistrationConfig& registration) {
  return toml::table{
      {"registrars", texts_of(registration.registrars, [](const auto& to) { return to.to_string(); })},
      {"domain", registration.domain},
      {"user", registration.user},
      {"auth_user", registration.auth_user},
      {"password", registration.password},
      {"expires_s", registration.expires.count()}};
}

toml::table numbers_table(const sip::NumberPlan& numbers) {
  toml::array rewrites;
  for (const auto& [pattern, replacement] : numbers.rewrites)
    rewrites.push_back(toml::array{pattern, replacement});
  return toml::table{{"international_prefix", numbers.international_prefix},
                     {"national_prefix", numbers.national_prefix},
                     {"country_code", numbers.country_code},
                     {"region", numbers.region},
                     {"rewrites", rewrites}};
}

toml::table trunk_table(const sip::TrunkConfig& trunk) {
  toml::table table{
      {"name", trunk.name},
      {"addresses", texts_of(trunk.addresses, [](const auto& address) { return address; })},
      {"emergency_line", trunk.emergency_line->to_string()},
      {"emergency_line_trusted", trunk.is_emergency_line_trusted},
      {"trusted", trunk.is_trusted},
      {"dialed_from", texts_of(trunk.dialed_from, [](const auto& from) { return from.to_string(); })},
      {"numbers", numbers_table(trunk.numbers)}};
  if (trunk.registration) table.insert("registration", registration_table(*trunk.registration));
  return table;
}

/// Writes a file so that it is there whole or not at all; an error number, or 0.
int write_whole(const std::filesystem::path& path, const std::string& text) {
  const std::string fresh = path.string() + "." + std::to_string(getpid());
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  int error = 0;
  if (write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || fsync(file) != 0) {
    error = errno != 0 ? errno : ENOSPC;
  }
  close(file);
  if (error == 0 && rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) unlink(fresh.c_str());
  return error;
}

std::vector<std::string> texts_in(const toml::table& table, std::string_view key) {
  std::vector<std::string> texts;
  if (const toml::array* array = table[key].as_array()) {
    for (const toml::node& node : *array) {
      if (const auto text = node.value<std::string>()) texts.push_back(*text);
    }
  }
  return texts;
}

std::string text_in(const toml::table& table, std::string_view key) {
  return table[key].value_or(std::string());
}

sip::RegistrationConfig read_registration(const toml::table& table) {
  sip::RegistrationConfig registration;
  for (const std::string& text : texts_in(table, "registrars")) {
    if (auto registrar = parse_sip_target(text)) registration.registrars.push_back(*std::move(registrar));
  }
  registration.domain = text_in(table, "domain");
  registration.user = text_in(table, "user");
  registration.auth_user = text_in(table, "auth_user");
  registration.password = text_in(table, "password");
  registration.expires = std::chrono::seconds(table["expires_s"].value_or(registration.expires.count()));
  return registration;
}

sip::NumberPlan read_numbers(const toml::table& table) {
  sip::NumberPlan numbers;
  numbers.international_prefix = text_in(table, "international_prefix");
  numbers.national_prefix = text_in(table, "national_prefix");
  numbers.country_code = text_in(table, "country_code");
  numbers.region = text_in(table, "region");
  if (const toml::array* rewrites = table["rewrites"].as_array()) {
    for (const toml::node& node : *rewrites) {
      const toml::array* pair = node.as_array();
      if (pair == nullptr || pair->size() != 2) continue;
      numbers.rewrites.push_back(
          {pair->get(0)->value_or(std::string()), pair->get(1)->value_or(std::string())});
    }
  }
  return numbers;
}

void read_trunk(const toml::table& table, sip::ProxyConfig& plan) {
  sip::TrunkConfig trunk;
  trunk.name = text_in(table, "name");
  trunk.addresses = texts_in(table, "addresses");
  trunk.emergency_line = parse_sip_target(table["emergency_line"].value_or(std::string_view()));
  trunk.is_emergency_line_trusted = table["emergency_line_trusted"].value_or(true);
  trunk.is_trusted = table["trusted"].value_or(true);
  for (const std::string& text : texts_in(table, "dialed_from")) {
    if (auto from = sip::DialedSource::parse(text)) trunk.dialed_from.push_back(*std::move(from));
  }
  if (const toml::table* numbers = table["numbers"].as_table()) trunk.numbers = read_numbers(*numbers);
  if (const toml::table* account = table["registration"].as_table()) {
    trunk.registration = read_registration(*account);
    if (trunk.registration->registrars.empty()) trunk.registration.reset();
  }
  const bool has_calls = !trunk.addresses.empty() || trunk.registration;
  if (has_calls && trunk.emergency_line) plan.trunks.push_back(std::move(trunk));
}

/// Nobody knows who calls.
class NoAttribution final : public sip::Attribution {
 public:
  v1::Resolution attribute(const pool::ResolveQuery&) override {
    v1::Resolution resolution;
    resolution.set_method(v1::RESOLUTION_METHOD_NONE);
    return resolution;
  }
  bool knows(pool::Number) const override { return false; }
};

/// The calls are told in the log, without the caller's number.
class LoggedCalls final : public sip::CallSink {
 public:
  explicit LoggedCalls(Log& log) : log_(log) {}
  void record(const v1::CallEvent& event) override {
    log_.warning("emergency call", {{"event", v1::CallEventType_Name(event.type())},
                                    {"call", event.call().call_id()},
                                    {"trunk", event.call().trunk()},
                                    {"dialed", event.call().dialed_number()},
                                    {"outcome", v1::CallOutcome_Name(event.call().outcome())}});
  }
  void resume(const v1::CallEvent& event) override { record(event); }
  void close_unknown(sip::CallClosing closing) override {
    log_.warning("emergency call", {{"event", "closed"}, {"call", closing.call_id}});
  }

 private:
  Log& log_;
};

}  // namespace

std::optional<std::string> keep_emergency_plan(const Config& config, const std::string& signing_key) {
  if (config.state_directory.empty()) return std::nullopt;
  toml::array trunks;
  for (const sip::TrunkConfig& trunk : to_proxy_config(config, signing_key).trunks) {
    if (trunk.emergency_line) trunks.push_back(trunk_table(trunk));
  }
  const std::filesystem::path path = plan_in(config.state_directory);
  std::error_code ignored;
  if (trunks.empty()) {
    std::filesystem::remove(path, ignored);
    return std::nullopt;
  }
  std::filesystem::create_directories(config.state_directory, ignored);
  std::ostringstream text;
  text << "# Written by ringtraced for its own emergency mode.\n"
       << toml::table{{"listen", listens_of(config)},
                      {"advertise", config.sip.advertise},
                      {"signing_key", signing_key},
                      {"dns_servers",
                       texts_of(config.sip.dns_servers, [](const auto& server) { return server; })},
                      {"trunk", trunks}}
       << '\n';
  const int error = write_whole(path, text.str());
  if (error == 0) return std::nullopt;
  return "the emergency plan " + path.string() + " cannot be written: " + std::strerror(error);
}

std::optional<sip::ProxyConfig> read_emergency_plan(const std::string& state_directory) {
  if (state_directory.empty()) return std::nullopt;
  toml::table file;
  try {
    file = toml::parse_file(plan_in(state_directory).string());
  } catch (const toml::parse_error&) {
    return std::nullopt;  // absent, or not ours
  }
  sip::ProxyConfig plan;
  const std::string advertise = file["advertise"].value_or(std::string());
  for (const std::string& text : texts_in(file, "listen")) {
    if (const auto listen = parse_sip_endpoint(text, true))
      plan.listen.push_back(to_listen(*listen, advertise));
  }
  plan.signing_key = text_in(file, "signing_key");
  plan.dns.servers = texts_in(file, "dns_servers");
  plan.dns.remembered = NameFile(state_directory).read();
  if (const toml::array* trunks = file["trunk"].as_array()) {
    for (const toml::node& node : *trunks) {
      if (const toml::table* table = node.as_table()) read_trunk(*table, plan);
    }
  }
  plan.line_groups = {{.name = kGroup, .lines = {}}};
  plan.default_line_group = kGroup;
  plan.health.interval = 0ms;
  if (sip::Proxy::check(plan)) return std::nullopt;
  return plan;
}

std::string state_directory_of(const std::string& config_path) {
  try {
    const toml::table file = toml::parse_file(config_path);
    if (const auto directory = file["gateway"]["state_directory"].value<std::string>()) return *directory;
  } catch (const toml::parse_error&) {
    // The environment is asked below.
  }
  const char* directory = std::getenv("STATE_DIRECTORY");
  return directory == nullptr ? std::string() : directory;
}

std::optional<EmergencyEnd> run_emergency(const sip::ProxyConfig& plan, const std::string& config_path,
                                          bool unless_loads, Log& log) {
  NoAttribution attribution;
  LoggedCalls calls(log);
  sip::Proxy proxy(plan, attribution, calls);
  if (const auto problem = proxy.start()) {
    log.error("emergency mode cannot start", {{"problem", *problem}});
    return std::nullopt;
  }
  log.error("EMERGENCY MODE: calls go to the trunks' emergency lines, nothing is attributed or stored",
            {{"trunks", plan.trunks.size()}});
  boost::asio::io_context io;
  Mailbox mailbox;
  Signals signals(io, mailbox);
  std::thread loop([&io] { io.run(); });
  std::optional<EmergencyEnd> end;
  while (!end) {
    const std::optional<Notice> notice = mailbox.wait_for(kLook);
    if (notice == Notice::kStop) end = EmergencyEnd::kStop;
    if (notice == Notice::kReload) end = EmergencyEnd::kTryAgain;
    const bool loads = !notice && unless_loads && std::holds_alternative<Config>(load_config(config_path));
    if (loads) end = EmergencyEnd::kTryAgain;
  }
  proxy.stop(kGrace);
  io.stop();
  loop.join();
  log.warning("emergency mode ends");
  return end;
}

}  // namespace ringtrace::gateway
