#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/config.h"

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace ringtrace::gateway {

/// One key=value of a line.
struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, std::integral auto number) : key(name), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

/// Writes one line an event:
///
///     2026-01-01T12:00:00.123Z info ready grpc=127.0.0.1:7080 pools=2
///
/// time, level, what happened, and key=value pairs; values with spaces or quotes stand in quotes, with
/// control characters escaped, so that nothing from outside can begin a line of its own.
///
/// May be called from any thread. The caller only fills a bounded queue: when it is full, the oldest waiting
/// line is dropped and counted.
class Log {
 public:
  /// Opens the log; or says why that failed.
  static std::variant<std::unique_ptr<Log>, std::string> open(const LogConfig& config);

  /// A log into a stream, for tests; the stream outlives it.
  static std::unique_ptr<Log> to_stream(std::ostream& out, LogLevel level, std::size_t queue);

  /// Writes what is waiting.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(LogLevel level, std::string_view event, std::initializer_list<Field> fields = {});

  /// Writes a line that a room has put together itself: "event=NAME key=value ...", of which "event=" is left
  /// out.
  void line(LogLevel level, std::string_view text);

  /// Has what is written through spdlog's default logger come here, until this log goes.
  void take_default_logger();

  void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kDebug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kInfo, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kWarning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(LogLevel::kError, event, fields);
  }

  /// Lines dropped because the queue was full.
  std::uint64_t dropped() const;

  /// Lines of that level since start, dropped ones included.
  std::uint64_t lines(LogLevel level) const { return lines_[static_cast<std::size_t>(level)].load(); }

 private:
  Log(std::shared_ptr<spdlog::details::thread_pool> pool, std::shared_ptr<spdlog::logger> logger);

  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;
  std::array<std::atomic<std::uint64_t>, 5> lines_{};
  bool forwarding_ = false;
};

/// "trace" to "error".
std::string_view to_string(LogLevel level);

/// The value as a line has it: itself, or in quotes.
std::string quoted(std::string_view value);

}  // namespace ringtrace::gateway
