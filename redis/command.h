#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace ringtrace::redis {

/// One command, encoded for the wire; arguments may hold any bytes.
///
///     Command({"HGET", "rt:{calls}:open", call_id})
class Command {
 public:
  explicit Command(std::span<const std::string_view> arguments);
  Command(std::initializer_list<std::string_view> arguments)
      : Command(std::span(arguments.begin(), arguments.size())) {}

  /// The encoded bytes.
  const std::string& bytes() const { return bytes_; }
  std::string take_bytes() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace ringtrace::redis
