#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace grpc {
class ClientContext;
class Status;
}  // namespace grpc

namespace ringtrace::ctl {

/// Gives up on a stream that has been silent for too long: a stream has no deadline of its own, and a gateway
/// that is stopped would be waited for as long as the connection stands.
///
///     Patience patience(context, common.timeout);
///     const auto stream = stub->WatchPools(&context, request);  // waits for the connection, too
///     while (stream->Read(&response)) {
///       patience.rest();  // what takes long from here on is ours: a pager, a terminal that is stopped
///       print(response);
///       patience.renew();
///     }
///     const grpc::Status status = patience.status_of(stream->Finish());
class Patience {
 public:
  /// Begins to wait; `context` outlives this.
  Patience(grpc::ClientContext& context, std::chrono::milliseconds most);
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  /// There was a sign of life: waits no more until `renew`.
  void rest();

  /// Waits anew.
  void renew();

  /// From now on waits for as long as it takes.
  void end();

  /// How the stream ended; DEADLINE_EXCEEDED when it was given up.
  grpc::Status status_of(const grpc::Status& status);

 private:
  void run();

  grpc::ClientContext& context_;
  const std::chrono::milliseconds most_;

  std::mutex mutex_;  // held for a few instructions
  std::condition_variable changed_;
  std::chrono::steady_clock::time_point until_;
  bool resting_ = false;
  bool over_ = false;
  bool ran_out_ = false;

  std::thread thread_;  // last: uses all of the above
};

}  // namespace ringtrace::ctl
