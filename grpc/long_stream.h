#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "grpc/event_streams.h"
#include "grpc/front.h"
#include "grpc/library_types.h"

namespace ringtrace::rpc {

/// What the long streams have in common. `Reactor` is the library's: ServerBidiReactor, ServerWriteReactor;
/// who includes this has included <grpcpp/grpcpp.h> before.
///
/// The library allows one read, one write and one finish, and nothing after the finish. What is wanted next
/// is noted under the mutex (`change`) and carried out by one thread at a time (`act`), so that a drain, a
/// cancellation and an answer that come together cannot cross. A stream keeps itself alive until OnDone.
///
/// `context`, `streams` and `front` outlive it.
template <typename Reactor>
class LongStream : public Reactor,
                   public OpenStream,
                   public std::enable_shared_from_this<LongStream<Reactor>> {
 public:
  LongStream(grpc::CallbackServerContext& context, EventStreams& streams, Front& front, Method method)
      : context_(context), front_(front), streams_(streams), method_(method) {}

  /// The log has grown: of no interest to most.
  void wake() override {}

  void drain() override { end(draining("")); }

  void OnCancel() override { give_up(); }

  void OnDone() override {
    streams_.remove(*this);
    self_.reset();
  }

 protected:
  /// First of all. False when the stream is not let in, and ends.
  bool enter() {
    self_ = this->shared_from_this();
    auto admitted = admit(front_, context_, method_);
    if (const Error* refused = std::get_if<Error>(&admitted)) {
      end(*refused);
      return false;
    }
    ticket_ = std::get<Ticket>(std::move(admitted));
    switch (streams_.add(self_)) {
      case EventStreams::Admission::kAdmitted:
        return true;
      case EventStreams::Admission::kFull:
        front_.statistics.count_refused_stream();
        end(too_many_streams(streams_.limit()));
        return false;
      case EventStreams::Admission::kDraining:
        end(draining(""));
        return false;
    }
    return false;
  }

  /// Carries out one thing that is wanted, if there is one, and says whether there was. Called with the lock
  /// held, which it gives up before it calls out; by one thread at a time, and not after the end.
  virtual bool act(std::unique_lock<std::mutex>& lock) = 0;

  /// With the mutex held: whether an end that is wanted may be made now.
  virtual bool may_end() const { return true; }

  /// Notes what is wanted, and sees to it.
  template <typename Note>
  void change(Note note) {
    {
      const std::lock_guard lock(mutex_);
      note();
    }
    operate();
  }

  /// Ends the stream as soon as it may; none: with OK. The first reason is the one that counts.
  void end(Outcome outcome) {
    change([&] {
      if (!ending_) ending_ = std::move(outcome);
    });
  }

  /// Ends the stream now: nobody is there to be answered.
  void give_up() {
    change([this] {
      gone_ = true;
      ending_ = caller_gone();
    });
  }

  bool is_ending() const { return ending_.has_value(); }

  // Constant after construction; the context lives until OnDone.
  grpc::CallbackServerContext& context_;
  Front& front_;

  std::optional<Ticket> ticket_;  // written once, by enter(); then of whoever acts on the stream's behalf
  mutable std::mutex mutex_;      // held for a few instructions, never while calling out

 private:
  void operate() {
    const auto keep = this->shared_from_this();
    std::unique_lock lock(mutex_);
    if (operating_) return;
    operating_ = true;
    while (!finished_) {
      if (ending_ && (gone_ || may_end())) {
        finished_ = true;
        const Outcome outcome = *ending_;
        lock.unlock();
        this->Finish(count_end(front_, method_, outcome));
      } else if (!act(lock)) {
        break;
      }
      if (!lock.owns_lock()) lock.lock();
    }
    operating_ = false;
  }

  EventStreams& streams_;
  const Method method_;

  // By mutex_.
  std::optional<Outcome> ending_;
  bool gone_ = false;
  bool operating_ = false;
  bool finished_ = false;

  std::shared_ptr<LongStream> self_;  // from enter() to OnDone()
};

}  // namespace ringtrace::rpc
