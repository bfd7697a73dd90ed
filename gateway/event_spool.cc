#include "gateway/event_spool.h"

#include <chrono>
#include <utility>

#include "proto/from_pool.h"

namespace ringtrace::gateway {
namespace {

// How often it is looked whether the log has room again, or Redis has acknowledged everything.
constexpr std::chrono::milliseconds kTurn{100};

// The log would never take a larger event, and what comes behind it would wait for ever.
constexpr std::size_t kMostBytes = redis::kMaxEventBytes;
static_assert(kMostBytes <= RecordFile::kMaxRecord);

}  // namespace

std::string EventSpool::record_of(Kind kind, const v1::CallEvent& event) {
  std::string text(1, static_cast<char>(kind));
  event.AppendToString(&text);
  return text;
}

EventSpool::EventSpool(redis::RedisCallLog& calls, Options options, Log& log, Pass pass)
    : calls_(calls), options_(std::move(options)), log_(log), pass_(std::move(pass)) {}

EventSpool::~EventSpool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EventSpool::start() {
  open_file();
  thread_ = std::thread([this] { run(); });
}

void EventSpool::open_file() {
  if (options_.file.empty()) return;
  std::string problem;
  file_ = RecordFile::open(options_.file, options_.max_bytes, problem);
  if (file_ == nullptr) {
    log_.error("no spool: call events that Redis does not have are lost when the gateway is killed",
               {{"reason", problem}});
    return;
  }
  if (file_->torn_bytes() > 0) {
    log_.warning("the spool ended in the middle of a record, which was cut off",
                 {{"bytes", file_->torn_bytes()}});
  }
  given_ = file_->begin();
  std::uint64_t offset = given_;
  std::uint64_t count = 0;
  while (file_->read(offset)) ++count;
  recovered_ = behind_ = count;
  file_bytes_ = file_->end() - file_->begin();
  if (count > 0) log_.info("call events of an earlier process are in the spool", {{"count", count}});
}

void EventSpool::record(const v1::CallEvent& event) { add_event(Kind::kEvent, event); }

void EventSpool::resume(const v1::CallEvent& event) { add_event(Kind::kResumed, event); }

void EventSpool::add_event(Kind kind, const v1::CallEvent& event) {
  if (event.event_id().empty() || event.call().call_id().empty()) {
    ++dropped_;
    return;
  }
  add(redacted(record_of(kind, event)));
}

void EventSpool::close_unknown(sip::CallClosing closing) {
  v1::CallEvent event;
  event.mutable_call()->set_call_id(std::move(closing.call_id));
  event.mutable_call()->set_sip_call_id(std::move(closing.sip_call_id));
  *event.mutable_event_time() = to_timestamp(closing.end_time);
  add(record_of(Kind::kClosing, event));
}

void EventSpool::add(std::string record) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.max_waiting) {
      ++dropped_;
      return;
    }
    queue_.push_back(std::move(record));
    wake = std::exchange(idle_, false);
  }
  if (wake) arrived_.notify_one();
}

/// Without what is personal of callers who have been erased.
std::string EventSpool::redacted(std::string record) const {
  v1::CallEvent event;
  const bool is_theirs = erased_.any() && event.ParseFromString(record.substr(1)) && erased_.redact(event);
  if (is_theirs) return record_of(static_cast<Kind>(record.front()), event);
  return record;
}

void EventSpool::erase(const std::string& caller, pool::Time at, std::function<void(bool)> done) {
  erased_.note(caller, at);
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      erasing_.push_back(std::move(done));
      arrived_.notify_one();
      return;
    }
  }
  done(false);
}

/// Memory needs nothing: what waits there goes to the store, which keeps nothing personal of it.
bool EventSpool::redact_file() {
  if (file_ == nullptr || file_->empty()) return true;
  const bool done =
      file_->rewrite([this](std::string record) { return redacted(std::move(record)); }, given_);
  file_bytes_ = file_->end() - file_->begin();
  return done;
}

void EventSpool::run() {
  std::vector<std::string> fresh;
  std::optional<redis::RedisCallLog::Together> together;
  std::chrono::steady_clock::time_point handed_on{};
  for (;;) {
    fresh.clear();
    std::vector<std::function<void(bool)>> erasing;
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      // While events come, one sleep a turn: they gather behind the last ones as well as behind the first of
      // them. Only when none came is the next one to wake it.
      const auto ends = [this] { return stopping_ || !erasing_.empty(); };
      arrived_.wait_for(lock, kGather, ends);
      if (queue_.empty() && !ends()) {
        together.reset();  // none follows that they could wait for
        idle_ = true;
        const auto comes = [&] { return !idle_ || ends(); };
        bool woken = true;
        if (file_ == nullptr || file_->empty()) {
          arrived_.wait(lock, comes);  // nothing waits for the log, nor for Redis
        } else {
          woken = arrived_.wait_for(lock, kTurn, comes);
        }
        idle_ = false;
        if (woken) arrived_.wait_for(lock, kGather, ends);
      }
      fresh.swap(queue_);
      erasing.swap(erasing_);
      behind_ += fresh.size();
      last = stopping_;
    }
    if (!together) together.emplace(calls_);
    if (!fresh.empty()) take(fresh);
    move_on();
    const bool has_more = file_ != nullptr && given_ < file_->end();
    const auto now = std::chrono::steady_clock::now();
    if (has_more || last || now - handed_on >= kTogether) {
      together.reset();
      handed_on = now;
    }
    if (!erasing.empty()) {
      const bool clean = redact_file();
      for (const auto& done : erasing) done(clean);
    }
    if (last) return;
  }
}

/// Into the file, and on to the log unless earlier ones wait in the file.
void EventSpool::take(std::vector<std::string>& records) {
  const std::size_t too_large =
      std::erase_if(records, [](const std::string& record) { return record.size() > kMostBytes; });
  dropped_ += too_large;
  behind_ -= too_large;
  const bool in_order = file_ == nullptr || (given_ == file_->end() && !is_worn());
  std::size_t kept = 0;
  if (file_ != nullptr) {
    kept = file_->append(records);
    file_bytes_ = file_->end() - file_->begin();
    if (kept > 0) told_full_ = false;
    // Those that the log has no room for, and all behind them, wait in the file.
    for (std::size_t i = 0; i < kept && in_order && give(records[i]) != Given::kNoRoom; ++i)
      given_ += RecordFile::size_of(records[i]);
  }
  const bool still_in_order = file_ == nullptr || given_ == file_->end();
  for (std::size_t i = kept; i < records.size(); ++i) refuse(records[i], still_in_order);
}

/// The file does not have it: it can only go on to the log at once.
void EventSpool::refuse(const std::string& record, bool in_order) {
  if (file_ != nullptr) {
    ++unspooled_;
    if (!std::exchange(told_full_, true))
      log_.error("the spool of call events takes no more", {{"bytes", file_bytes_.load()}});
  }
  if (in_order && give(record) != Given::kNoRoom) return;
  --behind_;
  ++dropped_;
}

/// Half of the room is taken by records that are in the log's hands. Of a stream that never ends the log is
/// never done, and the file never empty: then what comes waits in it until the log has done its part.
bool EventSpool::is_worn() const { return given_ - file_->begin() > options_.max_bytes / 2; }

/// What waits in the file goes to the log as it has room; what Redis has goes out of the file, all of it at
/// the end of a stream, or by halves.
void EventSpool::move_on() {
  if (file_ == nullptr) return;
  if (is_worn()) {
    if (calls_.stats().queued > 0) return;
    file_->forget_before(given_);
    file_bytes_ = file_->end() - file_->begin();
  }
  for (std::uint64_t offset = given_; const auto record = file_->read(offset); given_ = offset)
    if (give(*record) == Given::kNoRoom) return;
  if (!file_->empty() && given_ == file_->end() && calls_.stats().queued == 0) {
    file_->clear();
    given_ = file_->end();
    file_bytes_ = 0;
  }
}

EventSpool::Given EventSpool::give(const std::string& record) {
  const std::string_view bytes = std::string_view(record).substr(1);
  const auto kind = static_cast<Kind>(record.front());
  const Given given = kind == Kind::kEvent ? give_event(bytes) : give_other(kind, bytes);
  if (given != Given::kNoRoom) --behind_;
  if (given == Given::kBroken) ++dropped_;
  return given;
}

EventSpool::Given EventSpool::give_event(std::string_view event) {
  // What the log would never take must not keep what is behind it.
  if (event.size() > kMostBytes || !redis::is_identified(event)) return Given::kBroken;
  const auto other = pass_ ? pass_(event) : std::nullopt;
  return calls_.append(other ? std::string_view(*other) : event) ? Given::kTaken : Given::kNoRoom;
}

EventSpool::Given EventSpool::give_other(Kind kind, std::string_view bytes) {
  v1::CallEvent event;
  if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Given::kBroken;
  const bool taken = kind == Kind::kResumed
                         ? calls_.resume(event)
                         : calls_.close_open_call({event.call().call_id(), event.call().sip_call_id(),
                                                   from_timestamp(event.event_time())});
  return taken ? Given::kTaken : Given::kNoRoom;
}

EventSpoolStats EventSpool::stats() const {
  EventSpoolStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats.waiting = queue_.size() + behind_;
  }
  stats.file_bytes = file_bytes_;
  stats.unspooled = unspooled_;
  stats.dropped = dropped_;
  stats.recovered = recovered_;
  return stats;
}

}  // namespace ringtrace::gateway
