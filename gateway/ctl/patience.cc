#include "gateway/ctl/patience.h"

#include <grpcpp/grpcpp.h>

namespace ringtrace::ctl {

Patience::Patience(grpc::ClientContext& context, std::chrono::milliseconds most)
    : context_(context),
      most_(most),
      until_(std::chrono::steady_clock::now() + most),
      thread_([this] { run(); }) {}

Patience::~Patience() {
  end();
  thread_.join();
}

void Patience::rest() {
  const std::lock_guard lock(mutex_);
  resting_ = true;
}

void Patience::renew() {
  {
    const std::lock_guard lock(mutex_);
    resting_ = false;
    until_ = std::chrono::steady_clock::now() + most_;
  }
  changed_.notify_one();
}

void Patience::end() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
}

grpc::Status Patience::status_of(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  if (status.ok() || !ran_out_) return status;
  return {grpc::StatusCode::DEADLINE_EXCEEDED, "no answer in time"};
}

void Patience::run() {
  std::unique_lock lock(mutex_);
  while (!ran_out_) {
    changed_.wait(lock, [this] { return over_ || !resting_; });
    const auto until = until_;
    if (changed_.wait_until(lock, until, [this] { return over_; })) return;
    ran_out_ = !resting_ && until == until_;  // nothing has come meanwhile
  }
  context_.TryCancel();
}

}  // namespace ringtrace::ctl
