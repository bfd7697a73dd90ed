#include "redis/functions.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "redis/functions_library.h"

namespace ringtrace::redis {
namespace {

constexpr int kLeastMajorVersion = 7;

using Done = std::function<void(std::string problem)>;

/// "7.0.15" of "redis_version:7.0.15\r\n..."; empty when there is no such field.
std::string info_field(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const auto end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return std::string(line.substr(name.size() + 1));
    }
    at = end + 2;
  }
  return {};
}

std::string version_problem(const Answer& answer) {
  if (answer.outcome != Outcome::kReplied) return answer.detail;
  if (answer.reply.is_error()) return "INFO refused: " + answer.reply.text;
  const std::string version = info_field(answer.reply.text, "redis_version");
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (major >= kLeastMajorVersion) return {};
  return "Redis " + version + " is too old: version 7 or newer is needed";
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

/// A connection of ours, by the names Redis gave it.
struct Identity {
  std::string run_id;
  std::string client_id;
};

// Servers whose last connection is remembered; beyond it all are forgotten, which costs nothing but
// certainty.
constexpr std::size_t kMostServers = 1'000;

/// What is known from one connection to the next, of all servers.
struct Memory {
  std::set<std::string> warnings;
  std::map<std::string, std::string> clients;  ///< run id -> the id of our latest connection to it
};

/// One preparation. Answers come in the order of the commands, so each step sees those before it.
class Preparation : public std::enable_shared_from_this<Preparation> {
 public:
  Preparation(std::shared_ptr<Memory> memory, Send send, Log log, Done done)
      : memory_(std::move(memory)), send_(std::move(send)), log_(std::move(log)), done_(std::move(done)) {}

  void begin() {
    const auto self = shared_from_this();
    send_(Command({"INFO", "server"}), [self](const Answer& answer) {
      self->problem_ = version_problem(answer);
      self->present_.run_id = info_field(answer.reply.text, "run_id");
    });
    send_(Command({"CLIENT", "ID"}), [self](const Answer& answer) {
      const auto id = answer.reply.as_integer();
      if (id) self->present_.client_id = std::to_string(*id);
    });
    send_(Command({"CONFIG", "GET", "maxmemory-policy", "appendonly", "appendfsync",
                   "no-appendfsync-on-rewrite"}),
          [self](const Answer& answer) { self->judge_settings(answer); });
    send_(Command({"FUNCTION", "LIST", "LIBRARYNAME", kFunctionLibrary, "WITHCODE"}),
          [self](const Answer& answer) { self->judge_library(answer); });
  }

 private:
  void judge_settings(const Answer& answer) {
    if (answer.outcome != Outcome::kReplied || answer.reply.is_error("LOADING")) return;
    std::set<std::string> warnings = setting_warnings(answer);
    for (const std::string& warning : warnings) {
      if (log_ && !memory_->warnings.contains(warning)) log_(LogLevel::kWarning, warning);
    }
    memory_->warnings = std::move(warnings);
  }

  void judge_library(const Answer& answer) {
    if (answer.outcome != Outcome::kReplied) return done_(answer.detail);
    if (!problem_.empty()) return done_(problem_);
    if (answer.reply.is_error()) return done_("FUNCTION LIST refused: " + answer.reply.text);
    if (is_loaded(answer.reply)) return end_previous();
    load_library();
  }

  void load_library() {
    send_(Command({"FUNCTION", "LOAD", "REPLACE", function_library_text()}), [self = shared_from_this()](
                                                                                 const Answer& answer) {
      if (answer.outcome != Outcome::kReplied) return self->done_(answer.detail);
      if (!answer.reply.is(kFunctionLibrary)) {
        return self->done_("FUNCTION LOAD refused: " + answer.reply.text);
      }
      if (self->log_) {
        self->log_(LogLevel::kInfo, "event=redis_functions_loaded library=" + std::string(kFunctionLibrary));
      }
      self->end_previous();
    });
  }

  /// What the previous connection left in doubt may still lie unread at Redis, to be carried out after what
  /// this one sends. Ended there, it has happened or never will. Another run of Redis never knew it.
  void end_previous() {
    const auto previous = memory_->clients.find(present_.run_id);
    if (previous == memory_->clients.end()) return finish();
    send_(Command({"CLIENT", "KILL", "ID", previous->second}),
          [self = shared_from_this()](const Answer& answer) {
            if (answer.outcome != Outcome::kReplied) return self->done_(answer.detail);
            if (answer.reply.is_error() && self->log_) {
              self->log_(LogLevel::kWarning,
                         "event=redis_previous_connection_kept reason=" + quoted(answer.reply.text));
            }
            self->finish();
          });
  }

  /// Only now: a connection that never became ready has left nothing in doubt.
  void finish() {
    if (memory_->clients.size() >= kMostServers) memory_->clients.clear();
    memory_->clients[present_.run_id] = present_.client_id;
    done_({});
  }

  const std::shared_ptr<Memory> memory_;
  const Send send_;
  const Log log_;
  const Done done_;
  std::string problem_;
  Identity present_;
};

}  // namespace

std::string_view function_library_text() { return kFunctionsLua; }

void heed_missing_functions(Connection& connection, const Answer& answer) {
  const bool missing = answer.outcome == Outcome::kReplied && answer.reply.is_error("ERR Function not found");
  if (missing) connection.reset("the function library is gone");
}

Prepare prepare_server(Log log) {
  return [memory = std::make_shared<Memory>(), log = std::move(log)](Send send, Done done) {
    std::make_shared<Preparation>(memory, std::move(send), log, std::move(done))->begin();
  };
}

}  // namespace ringtrace::redis
