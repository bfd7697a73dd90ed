#include "gateway/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace ringtrace::gateway {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kInfo:
      break;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, LogLevel level,
                                            const std::shared_ptr<spdlog::details::thread_pool>& pool) {
  auto logger = std::make_shared<spdlog::async_logger>("ringtrace", std::move(sink), pool,
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(level_of(level));
  logger->flush_on(spdlog::level::trace);
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                                                                    spdlog::pattern_time_type::utc));
  return logger;
}

LogLevel level_from(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return LogLevel::kTrace;
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::warn:
      return LogLevel::kWarning;
    case spdlog::level::err:
    case spdlog::level::critical:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

/// Takes what rooms and libraries write through spdlog itself.
class ForwardSink final : public spdlog::sinks::sink {
 public:
  explicit ForwardSink(Log& log) : log_(log) {}
  void log(const spdlog::details::log_msg& message) override {
    log_.line(level_from(message.level), {message.payload.data(), message.payload.size()});
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  Log& log_;
};

bool needs_quotes(char c) {
  return c == ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (byte < 0x20 || byte == 0x7F) {
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 0xF];
  } else {
    out += c;
  }
}

/// The words of an event: without quotes, but with control characters escaped.
void append_words(std::string& out, std::string_view words) {
  for (const char c : words) {
    if (c == '"' || c == '\\') {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
}

}  // namespace

std::variant<std::unique_ptr<Log>, std::string> Log::open(const LogConfig& config) {
  try {
    spdlog::sink_ptr sink;
    if (config.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file);
    }
    auto pool = std::make_shared<spdlog::details::thread_pool>(config.queue, 1);
    auto logger = make_logger(std::move(sink), config.level, pool);
    return std::unique_ptr<Log>(new Log(std::move(pool), std::move(logger)));
  } catch (const spdlog::spdlog_ex& error) {
    return std::string("[log] file \"") + config.file + "\" cannot be opened: " + error.what();
  }
}

std::unique_ptr<Log> Log::to_stream(std::ostream& out, LogLevel level, std::size_t queue) {
  auto pool = std::make_shared<spdlog::details::thread_pool>(queue, 1);
  auto logger = make_logger(std::make_shared<spdlog::sinks::ostream_sink_mt>(out, true), level, pool);
  return std::unique_ptr<Log>(new Log(std::move(pool), std::move(logger)));
}

Log::Log(std::shared_ptr<spdlog::details::thread_pool> pool, std::shared_ptr<spdlog::logger> logger)
    : pool_(std::move(pool)), logger_(std::move(logger)) {}

Log::~Log() {
  if (forwarding_) spdlog::set_default_logger(std::make_shared<spdlog::logger>(""));
  // Ends the thread that writes, after what is waiting; only then may the sink go.
  pool_.reset();
}

void Log::take_default_logger() {
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<ForwardSink>(*this));
  logger->set_level(logger_->level());
  spdlog::set_default_logger(std::move(logger));
  forwarding_ = true;
}

void Log::line(LogLevel level, std::string_view text) {
  constexpr std::string_view kEvent = "event=";
  if (text.starts_with(kEvent)) text.remove_prefix(kEvent.size());
  lines_[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  if (!logger_->should_log(level_of(level))) return;
  std::string words;
  append_words(words, text);
  logger_->log(level_of(level), spdlog::string_view_t(words.data(), words.size()));
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<Field> fields) {
  lines_[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  if (!logger_->should_log(level_of(level))) return;
  std::string text;
  append_words(text, event);
  for (const Field& field : fields) {
    text += ' ';
    text += field.key;
    text += '=';
    text += quoted(field.value);
  }
  logger_->log(level_of(level), spdlog::string_view_t(text.data(), text.size()));
}

std::uint64_t Log::dropped() const { return pool_->overrun_counter(); }

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "trace";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kInfo:
      break;
  }
  return "info";
}

std::string quoted(std::string_view value) {
  if (!value.empty() && std::none_of(value.begin(), value.end(), needs_quotes)) return std::string(value);
  std::string result = "\"";
  for (const char c : value) append_escaped(result, c);
  return result + "\"";
}

}  // namespace ringtrace::gateway
