#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ringtrace::bench {

/// What a load brought.
struct LoadResult {
  double per_second = 0;             ///< answers
  std::vector<double> latencies_ms;  ///< open loop: from the instant a call was meant to begin
  std::uint64_t failures = 0;        ///< calls refused, or leases that were not durable
  std::uint64_t doubles = 0;         ///< numbers given to two visits
};

struct LoadPlan {
  std::string address;
  bool leases = true;  ///< answers are leases, and checked
  int concurrency = 1;
  std::chrono::milliseconds duration{1'000};
  double rate = 0;  ///< calls a second at random instants (Poisson); 0: each call begins when one has ended
  /// Open loop: calls of so long from the start on do not count; a process is slow while it is new.
  std::chrono::milliseconds warm_up{0};
};

/// Unary LeaseNumber, each for a visit of its own.
LoadResult run_unary_load(const LoadPlan& plan);

/// The latencies in ms of blocking LeaseNumber calls with `gap` between them. (The library's callback threads
/// may sleep when nothing happens; a blocking client has none, so this is the server's time.)
std::vector<double> run_idle_calls(const std::string& address, int calls, std::chrono::milliseconds gap);

/// Asks in one message of LeaseNumbers.
inline constexpr int kAsksOfMessage = 64;

/// LeaseNumbers over one stream, kAsksOfMessage asks a message, with at most `concurrency` (a multiple of
/// that) asks unanswered; closed loop.
LoadResult run_stream_load(const LoadPlan& plan);

/// The delays, in ms from the event to its arrival, at `readers` streams of call events that run for
/// `duration`. With `stopped`, one more stream is opened and never read.
std::vector<double> run_event_readers(const std::string& address, int readers, bool stopped,
                                      std::chrono::milliseconds duration);

}  // namespace ringtrace::bench
