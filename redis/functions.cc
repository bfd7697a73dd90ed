#include "redis/functions.h"

#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "functions_library.h"

namespace ringtrace::redis {
namespace {

constexpr int kLeastMajorVersion = 7;

using Done = std::function<void(std::string problem)>;

/// "7.0.15" of "redis_version:7.0.15\r\n..."; empty when there is none.
std::string_view version_of(std::string_view info) {
  constexpr std::string_view kField = "redis_version:";
  const auto at = info.find(kField);
  if (at == std::string_view::npos) return {};
  info.remove_prefix(at + kField.size());
  return info.substr(0, info.find_first_of("\r\n"));
}

std::string version_problem(const Answer& answer) {
  if (answer.outcome != Outcome::kReplied) return answer.detail;
  if (answer.reply.is_error()) return "INFO refused: " + answer.reply.text;
  const std::string_view version = version_of(answer.reply.text);
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (major >= kLeastMajorVersion) return {};
  return "Redis " + std::string(version) + " is too old: version 7 or newer is needed";
}

std::string quoted(std::string_view value) { return "\"" + std::string(value) + "\""; }

/// What each setting must be, and what it costs when it is not.
std::set<std::string> setting_warnings(const Answer& answer) {
  if (!answer.reply.is_array()) {
    return {"event=redis_settings_unknown reason=" + quoted(answer.reply.text) +
            " advice=\"see that maxmemory-policy is noeviction and appendonly is yes\""};
  }
  std::map<std::string, std::string> settings;
  for (std::size_t i = 0; i + 1 < answer.reply.elements.size(); i += 2) {
    settings[answer.reply.elements[i].text] = answer.reply.elements[i + 1].text;
  }
  std::set<std::string> warnings;
  const auto expect = [&](const char* name, const std::string& value, const char* why) {
    if (settings[name] == value) return;
    warnings.insert("event=redis_setting name=" + std::string(name) + " value=" + quoted(settings[name]) +
                    " expected=" + quoted(value) + " why=" + quoted(why));
  };
  expect("maxmemory-policy", "noeviction", "leases could be evicted");
  expect("appendonly", "yes", "leases would not survive a restart of Redis");
  if (settings["appendfsync"] == "always") {
    expect("no-appendfsync-on-rewrite", "no", "appendfsync always does not hold during a rewrite");
  }
  return warnings;
}

/// True when FUNCTION LIST ... WITHCODE shows exactly our text.
bool is_loaded(const Reply& list) {
  if (!list.is_array() || list.elements.empty()) return false;
  const std::vector<Reply>& library = list.elements.front().elements;
  for (std::size_t i = 0; i + 1 < library.size(); i += 2) {
    if (library[i].is("library_code")) return library[i + 1].text == function_library_text();
  }
  return false;
}

void load_library(const Send& send, const Log& log, const Done& done) {
  send(Command({"FUNCTION", "LOAD", "REPLACE", function_library_text()}), [log, done](const Answer& answer) {
    if (answer.outcome != Outcome::kReplied) return done(answer.detail);
    if (!answer.reply.is(kFunctionLibrary)) return done("FUNCTION LOAD refused: " + answer.reply.text);
    if (log) log(LogLevel::kInfo, "event=redis_functions_loaded library=" + std::string(kFunctionLibrary));
    done({});
  });
}

/// Answers come in the order of the commands, so each step sees the ones before it.
struct Preparation {
  std::string problem;
};

}  // namespace

std::string_view function_library_text() { return kFunctionsLua; }

Prepare prepare_server(Log log) {
  const auto told = std::make_shared<std::set<std::string>>();
  return [log = std::move(log), told](const Send& send, const Done& done) {
    const auto state = std::make_shared<Preparation>();
    send(Command({"INFO", "server"}),
         [state](const Answer& answer) { state->problem = version_problem(answer); });
    send(Command(
             {"CONFIG", "GET", "maxmemory-policy", "appendonly", "appendfsync", "no-appendfsync-on-rewrite"}),
         [log, told](const Answer& answer) {
           if (answer.outcome != Outcome::kReplied || answer.reply.is_error("LOADING")) return;
           std::set<std::string> warnings = setting_warnings(answer);
           for (const std::string& warning : warnings) {
             if (log && !told->contains(warning)) log(LogLevel::kWarning, warning);
           }
           *told = std::move(warnings);
         });
    send(Command({"FUNCTION", "LIST", "LIBRARYNAME", kFunctionLibrary, "WITHCODE"}),
         [state, send, log, done](const Answer& answer) {
           if (answer.outcome != Outcome::kReplied) return done(answer.detail);
           if (!state->problem.empty()) return done(state->problem);
           if (answer.reply.is_error()) return done("FUNCTION LIST refused: " + answer.reply.text);
           if (is_loaded(answer.reply)) return done({});
           load_library(send, log, done);
         });
  };
}

}  // namespace ringtrace::redis
