#pragma once

#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "tests/crash/promises.h"

namespace ringtrace::crash {

/// The civil time now.
Time civil_now();

/// A website under load: asks for leases, renews and releases them over gRPC, open-loop (requests start when
/// they are due, whatever became of the earlier ones), and writes everything into its book of promises.
///
/// One thread. `run` and `finish` carry the load and take the answers.
class Site {
 public:
  struct Settings {
    std::string address;
    double requests_per_second = 400;
    int visits_per_pool = 150;  ///< visits that come and go, under names used again and again
    std::chrono::milliseconds shortest_ttl{1'500};
    std::chrono::milliseconds longest_ttl{20'000};
  };

  Site(Settings settings, Promises& promises, std::uint64_t seed);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  /// Asks for as long as that.
  void run(std::chrono::milliseconds time);

  /// Takes the answers of everything under way; each has a deadline.
  void finish();

  /// Waits until the gateway's gRPC port answers; false when it does not in that time.
  bool wait_until_served(std::chrono::milliseconds patience);

  /// Asks for the lease of every visit in the book; of those in doubt, again for a number. Call it when
  /// nothing is under way.
  void verify();

  /// True when the store knows every live lease of the book, by the gateway's word.
  bool all_durable();

  std::uint64_t sent() const { return sent_; }

 private:
  struct Call;
  template <typename Response>
  struct CallOf;

  void begin_one();
  void lease(const std::string& visit);
  void renew(const std::string& visit);
  void release(const std::string& visit);
  bool take_one(std::chrono::system_clock::time_point until);
  grpc::Status get(const std::string& visit, v1::Lease& lease);
  void verify_one(const std::string& visit);
  std::chrono::milliseconds random_ttl();
  template <typename Response>
  std::unique_ptr<CallOf<Response>> new_call(const std::string& visit);
  template <typename Response>
  void wait_for(std::unique_ptr<CallOf<Response>> call);

  const Settings settings_;
  Promises& promises_;
  std::mt19937_64 random_;
  std::unique_ptr<v1::LeaseService::Stub> stub_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::CompletionQueue queue_;
  std::set<std::string> busy_;  ///< visits that wait for an answer
  std::uint64_t sent_ = 0;
};

}  // namespace ringtrace::crash
