#include "gateway/log.h"

#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

namespace ringtrace::gateway {
namespace {

/// The line after its time.
std::string after_time(const std::string& line) {
  return line.substr(std::min(line.size(), line.find(' ') + 1));
}

/// A stream that takes nothing until it is opened.
class Gate : public std::streambuf {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  /// Waits until someone writes.
  void wait_for_writer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }

  std::size_t lines() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n'));
  }

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    text_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  bool waiting_ = false;
  std::string text_;
};

}  // namespace

TEST_CASE("a line has time, level, room, event and fields") {
  std::ostringstream out;
  {
    const auto log = Log::to_stream(out, LogLevel::kInfo, 64);
    log->info("ready", {{"grpc", "127.0.0.1:7080"}, {"pools", 2}});
    log->warning("connection lost", {{"reason", "timed out"}});
  }
  std::istringstream lines(out.str());
  std::string line;
  std::getline(lines, line);
  CHECK(after_time(line) == "info ready grpc=127.0.0.1:7080 pools=2");
  CHECK(line.find('T') == 10);
  CHECK(line.find("Z ") == 23);
  std::getline(lines, line);
  CHECK(after_time(line) == "warning connection lost reason=\"timed out\"");
}

TEST_CASE("what rooms write through spdlog comes here, in the same form") {
  std::ostringstream out;
  {
    const auto log = Log::to_stream(out, LogLevel::kInfo, 64);
    log->take_default_logger();
    spdlog::warn("event=sip_refused source={}", "192.0.2.1");
    spdlog::debug("event=not_written");
    log->line(LogLevel::kInfo, "event=redis_ready version=7");
    CHECK(log->lines(LogLevel::kWarning) == 1);
  }
  spdlog::info("after the log has gone nothing happens");
  std::istringstream lines(out.str());
  std::string line;
  std::getline(lines, line);
  CHECK(after_time(line) == "warning sip_refused source=192.0.2.1");
  std::getline(lines, line);
  CHECK(after_time(line) == "info redis_ready version=7");
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("lines below the level are not written") {
  std::ostringstream out;
  {
    const auto log = Log::to_stream(out, LogLevel::kWarning, 64);
    log->info("quiet");
    log->debug("quieter");
    log->error("loud");
  }
  CHECK(after_time(out.str()) == "error loud\n");
}

TEST_CASE("nothing from outside begins a line of its own") {
  CHECK(quoted("plain:5060") == "plain:5060");
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("two words") == "\"two words\"");
  CHECK(quoted("a=b") == "\"a=b\"");
  CHECK(quoted("say \"hi\"\\") == "\"say \\\"hi\\\"\\\\\"");
  CHECK(quoted("x\n2026 error forged\x1b[31m") == "\"x\\n2026 error forged\\x1b[31m\"");
  std::ostringstream out;
  {
    const auto log = Log::to_stream(out, LogLevel::kInfo, 64);
    log->info("refused\nforged");
  }
  CHECK(after_time(out.str()) == "info refused\\nforged\n");
}

TEST_CASE("a full queue drops the oldest lines, counts them, and never holds the writer") {
  Gate gate;
  std::ostream out(&gate);
  constexpr int kLines = 1000;
  {
    const auto log = Log::to_stream(out, LogLevel::kInfo, 64);
    log->info("first");
    gate.wait_for_writer();
    for (int i = 0; i < kLines; ++i) log->info("line", {{"i", i}});
    CHECK(log->dropped() == kLines - 64);
    CHECK(log->lines(LogLevel::kInfo) == kLines + 1);
    gate.open();
  }
  CHECK(gate.lines() == 65);
}

TEST_CASE("a log file that cannot be opened is told") {
  LogConfig config;
  config.queue = 64;
  config.file = "/dev/null/ringtrace.log";
  const auto result = Log::open(config);
  REQUIRE(std::holds_alternative<std::string>(result));
  CHECK(std::get<std::string>(result).find("/dev/null/ringtrace.log") != std::string::npos);
}

}  // namespace ringtrace::gateway
