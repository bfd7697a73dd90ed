#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grpc/call_event_log.h"

namespace ringtrace::rpc {

/// The log with its newest events in memory, for many readers at its end: they all want the same events, and
/// each is read once.
///
/// Readers that stand where the tail ends share one read of the log; those that stand inside it are answered
/// from memory; the others, who are behind, read the log itself. Who comes while a read is under way is
/// answered by the next one, because the log may have grown after that read began. Nothing is read that
/// nobody asks for. At most kMaxEvents and kMaxBytes (and one event) are held. As CallEventLog for threads;
/// the log outlives it and the reads under way.
class EventTail final : public CallEventLog, public std::enable_shared_from_this<EventTail> {
 public:
  static constexpr std::size_t kMaxEvents = 4'096;
  static constexpr std::size_t kMaxBytes = std::size_t{8} << 20;

  /// Events of one shared read.
  static constexpr std::size_t kRead = 256;

  static std::shared_ptr<EventTail> create(CallEventLog& log) {
    return std::shared_ptr<EventTail>(new EventTail(log));
  }

  void read_after(std::string_view cursor, std::size_t max, ReadDone done) override;
  void latest_cursor(EndDone done) override { log_.latest_cursor(std::move(done)); }
  std::unique_ptr<Watch> watch(std::function<void()> grown) override { return log_.watch(std::move(grown)); }

  /// How often the log was read.
  std::uint64_t log_reads() const { return log_reads_.load(std::memory_order_relaxed); }

 private:
  using Event = std::shared_ptr<const v1::CallEvent>;
  struct Reader {
    std::size_t max = 0;
    ReadDone done;
  };

  explicit EventTail(CallEventLog& log) : log_(log) {}

  void read_at_end(const std::string& end);
  void took(const LogRead& read);
  void learn(const std::string& cursor, std::size_t max, const LogRead& read);

  // With the mutex held:
  bool is_inside(const std::string& cursor) const { return places_.contains(cursor); }
  LogRead part_after(std::uint64_t place, std::size_t max) const;
  void append(const Event& event);
  void begin_at(std::string cursor);

  CallEventLog& log_;
  std::atomic<std::uint64_t> log_reads_{0};

  std::mutex mutex_;  // held for a few instructions a call, never while calling out
  std::deque<Event> events_;
  std::uint64_t first_ = 1;  // the place of events_' first
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, std::uint64_t> places_;  // by cursor: of the events held, and begin_
  std::string begin_;                                      // the cursor before the first event held
  std::string end_;                                        // empty: the tail is nowhere yet
  std::vector<Reader> reading_;                            // of the read under way
  std::vector<Reader> later_;                              // of the next one
  bool busy_ = false;
};

}  // namespace ringtrace::rpc
