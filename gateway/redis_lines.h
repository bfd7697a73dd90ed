#pragma once

#include <string_view>

#include "gateway/log.h"
#include "redis/options.h"

namespace ringtrace::gateway {

/// Takes the store's lines into the log.
inline redis::Log lines_into(Log& log) {
  return [&log](redis::LogLevel level, std::string_view line) {
    const LogLevel ours = level == redis::LogLevel::kError     ? LogLevel::kError
                          : level == redis::LogLevel::kWarning ? LogLevel::kWarning
                                                               : LogLevel::kInfo;
    log.line(ours, line);
  };
}

}  // namespace ringtrace::gateway
