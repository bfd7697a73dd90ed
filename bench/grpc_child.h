#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ringtrace::bench {

/// This program run again in a process of its own, as the server that is measured: what it prints first is
/// its port, and it ends with its standard input.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// A byte on its standard input.
  void tell() const;

  /// Its resident memory in MiB.
  double resident_mib() const;

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  std::uint16_t port_ = 0;
};

/// The child's side: `arguments` as given. Returns the exit code.
///
///   gateway SOCKET   the services over the Redis at that socket, with 400,000 numbers; told once, it appends
///                    2,000 call events a second
///   empty            a LeaseNumber that answers nothing, at once
int serve(const std::vector<std::string>& arguments);

/// Numbers of the gateway's pool, and the first of them.
inline constexpr std::uint64_t kNumbers = 1'000'000;
inline constexpr std::uint64_t kFirstNumber = 74'950'000'000;
inline constexpr int kEventsPerSecond = 2'000;

}  // namespace ringtrace::bench
