#pragma once

#include <ringtrace/v1/call.pb.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/erased_callers.h"
#include "gateway/log.h"
#include "gateway/record_file.h"
#include "redis/call_log.h"
#include "sip/call_sink.h"

namespace ringtrace::gateway {

/// Figures of a spool; those that count only grow.
struct EventSpoolStats {
  std::uint64_t waiting = 0;     ///< events and closings not given to the store's log yet
  std::uint64_t file_bytes = 0;  ///< size of the file's records: what Redis has not acknowledged
  std::uint64_t unspooled = 0;   ///< the file was full or refused: in memory only until Redis has them
  std::uint64_t dropped = 0;     ///< lost: no room anywhere, or too large, or without ids
  std::uint64_t recovered = 0;   ///< taken over from an earlier process
};

/// Keeps the proxy's events until Redis has them, also when the gateway is killed meanwhile: whatever Redis
/// has not acknowledged is in a file of the state directory, and is given to the store's log again by the
/// next process. Redis knows events by their ids, so none comes twice.
///
/// `record`, `close_unknown` and `resume` only put into a bounded queue: a thread of the spool's own writes
/// the file, so that a slow disk stops neither calls nor leases. It lets events gather for kGather, because
/// waking it and writing cost the same for one event as for many; what has come within that time of a kill is
/// lost. The log's round trip costs more: while events come one after the other, what is in the file gathers
/// for kTogether on its way to Redis. Events reach the log in the order they came. When the log is full they
/// wait in the file; when the file is full, in the log's memory; when both are, they are dropped and counted.
/// The file is emptied whenever Redis has acknowledged everything.
class EventSpool final : public sip::CallSink {
 public:
  static constexpr std::chrono::milliseconds kGather{10};
  static constexpr std::chrono::milliseconds kTogether{50};

  /// Sees every event, serialized, on its way to the log, and may have another one go there instead; on the
  /// spool's thread.
  using Pass = std::function<std::optional<std::string>(std::string_view event)>;

  struct Options {
    std::filesystem::path file;  ///< none: events are in memory only until Redis has them
    std::uint64_t max_bytes = std::uint64_t{64} << 20;
    std::size_t max_waiting = 100'000;  ///< in the queue to the thread
  };

  /// Both outlive it. `pass` may be empty.
  EventSpool(redis::RedisCallLog& calls, Options options, Log& log, Pass pass = {});

  /// Writes what waits to the file and ends the thread.
  ~EventSpool() override;
  EventSpool(const EventSpool&) = delete;
  EventSpool& operator=(const EventSpool&) = delete;

  /// Begins to move; what an earlier process left comes first.
  void start();

  void record(const v1::CallEvent& event) override;
  void close_unknown(sip::CallClosing closing) override;
  void resume(const v1::CallEvent& event) override;

  /// Takes what is personal of a caller's calls out of the file, and out of what comes of those that began
  /// before `at`. `done` is called once, from the spool's thread or from inside the call; false: the file
  /// could not be written anew and goes on as it is.
  void erase(const std::string& caller, pool::Time at, std::function<void(bool)> done);

  EventSpoolStats stats() const;

 private:
  /// What a record is of; it begins with it, and the serialized event follows. A closing is an event with its
  /// ids and time alone.
  enum class Kind : char { kEvent = 'E', kClosing = 'C', kResumed = 'R' };

  /// How a record fared with the log.
  enum class Given : std::uint8_t { kTaken, kNoRoom, kBroken };

  static std::string record_of(Kind kind, const v1::CallEvent& event);
  void add_event(Kind kind, const v1::CallEvent& event);
  void add(std::string record);
  void run();
  void take(std::vector<std::string>& records);
  void refuse(const std::string& record, bool in_order);
  void move_on();
  bool is_worn() const;
  Given give(const std::string& record);
  Given give_event(std::string_view event);
  Given give_other(Kind kind, std::string_view bytes);
  std::string redacted(std::string record) const;
  void open_file();
  bool redact_file();

  // Constant after construction.
  redis::RedisCallLog& calls_;
  const Options options_;
  Log& log_;
  const Pass pass_;

  // Own synchronization.
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> queue_;                  // by mutex_
  std::vector<std::function<void(bool)>> erasing_;  // by mutex_
  bool stopping_ = false;                           // by mutex_
  bool idle_ = false;                               // by mutex_: the next event must wake the thread
  std::atomic<std::uint64_t> behind_{0}, file_bytes_{0}, unspooled_{0}, dropped_{0}, recovered_{0};

  ErasedCallers erased_;

  // The spool's thread only, once it runs.
  std::unique_ptr<RecordFile> file_;
  std::uint64_t given_ = 0;  // records before this offset are in the log's hands
  bool told_full_ = false;
  std::thread thread_;
};

}  // namespace ringtrace::gateway
