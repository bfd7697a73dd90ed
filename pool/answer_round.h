#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace ringtrace::pool {

/// A round of answers: many, given one after the other by one thread that has them all. Whoever sends answers
/// on can wait for the round's end and send together what came in it, instead of one and then the rest: a
/// message of many leases costs little more than a message of one.
///
/// The store opens a round about the answers of one reply. Inside another round a round is part of that one.
/// Of one thread; nothing is shared.
class AnswerRound {
 public:
  AnswerRound() : outer_(current_) {
    if (outer_ == nullptr) current_ = this;
  }

  /// Ends the round; what was to be done at its end is done, in the order it was asked for.
  ~AnswerRound() {
    if (outer_ != nullptr) return;
    current_ = nullptr;
    for (const std::function<void()>& each : at_end_) each();
  }
  AnswerRound(const AnswerRound&) = delete;
  AnswerRound& operator=(const AnswerRound&) = delete;

  /// Whether this thread is in a round.
  static bool is_open() { return current_ != nullptr; }

  /// Has something done at the end of this thread's round, which is open. It must not throw.
  static void at_end(std::function<void()> work) { current_->at_end_.push_back(std::move(work)); }

 private:
  inline static thread_local AnswerRound* current_ = nullptr;

  AnswerRound* const outer_;
  std::vector<std::function<void()>> at_end_;
};

}  // namespace ringtrace::pool
