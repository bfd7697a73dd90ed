#include "grpc/event_streams.h"

namespace ringtrace::rpc {

EventStreams::EventStreams(CallEventLog& log, std::size_t limit)
    : limit_(limit), watch_(log.watch([this] {
        for (const auto& stream : all()) stream->wake();
      })) {}

EventStreams::Admission EventStreams::add(const std::shared_ptr<OpenStream>& stream) {
  const std::lock_guard lock(mutex_);
  if (draining_) return Admission::kDraining;
  if (streams_.size() >= limit_) return Admission::kFull;
  streams_.emplace(stream.get(), stream);
  return Admission::kAdmitted;
}

void EventStreams::remove(const OpenStream& stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(&stream);
}

void EventStreams::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  for (const auto& stream : all()) stream->drain();
}

std::size_t EventStreams::open() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

std::vector<std::shared_ptr<OpenStream>> EventStreams::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<OpenStream>> result;
  result.reserve(streams_.size());
  for (const auto& [key, stream] : streams_) result.push_back(stream);
  return result;
}

}  // namespace ringtrace::rpc
