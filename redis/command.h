#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringtrace::redis {

/// Arguments of a command as they are encoded for the wire, gathered piece by piece.
class Arguments {
 public:
  void add(std::string_view argument);
  void add(std::uint64_t number);
  void add(const Arguments& others) {
    bytes_ += others.bytes_;
    count_ += others.count_;
  }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  const std::string& bytes() const { return bytes_; }
  std::size_t count() const { return count_; }

 private:
  std::string bytes_;
  std::size_t count_ = 0;
};

/// One command, encoded for the wire; arguments may hold any bytes.
///
///     Command({"HGET", "rt:{calls}:open", call_id})
class Command {
 public:
  explicit Command(std::span<const std::string_view> arguments);
  Command(std::initializer_list<std::string_view> arguments)
      : Command(std::span(arguments.begin(), arguments.size())) {}

  /// What begins with the name of the command; it goes where `key` lies.
  Command(const Arguments& arguments, std::string_view key);

  /// Has a Redis Cluster carry the command out where the key lies. Needed for commands without a key of ours.
  Command&& routed_by(std::string_view key) &&;

  /// Where it goes in a Redis Cluster: the hash slot of the key it was routed by, or of its first argument
  /// with a hash tag; none when it has neither.
  std::optional<std::uint16_t> slot() const { return slot_; }

  /// The encoded bytes.
  const std::string& bytes() const { return bytes_; }
  std::string take_bytes() && { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::optional<std::uint16_t> slot_;
};

}  // namespace ringtrace::redis
