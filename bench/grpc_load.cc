#include "bench/grpc_load.h"

#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/call_service.grpc.pb.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "bench/grpc_child.h"

namespace ringtrace::bench {
namespace {

using Clock = std::chrono::steady_clock;

std::shared_ptr<grpc::Channel> connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

/// A visit that no other call of this program asks for.
std::string new_visit() {
  static std::atomic<std::uint64_t> next{0};
  return "bench-" + std::to_string(next.fetch_add(1));
}

v1::LeaseNumberRequest request_for(const std::string& visit) {
  v1::LeaseNumberRequest request;
  request.set_parent("pools/main");
  request.mutable_visit()->set_visit_id(visit);
  request.mutable_visit()->mutable_attributes()->set_utm_source("google");
  request.mutable_visit()->mutable_attributes()->set_utm_medium("cpc");
  return request;
}

/// Checks leases while they come: each durable, each with a number of its own.
class Ledger {
 public:
  void note(const v1::Lease& lease) {
    if (lease.kind() != v1::NUMBER_KIND_DYNAMIC || !lease.durable()) {
      ++failures;
      return;
    }
    const std::uint64_t place = std::stoull(lease.number().substr(1)) - kFirstNumber;
    if (place >= kNumbers || given_[place].exchange(true)) ++doubles;
  }

  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> doubles{0};

 private:
  std::vector<std::atomic<bool>> given_ = std::vector<std::atomic<bool>>(kNumbers);
};

/// Calls that may be under way, and those that are.
class Slots {
 public:
  explicit Slots(int count) : free_(count), all_(count) {}
  void take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return free_ > 0; });
    --free_;
  }
  void give_back() {
    const std::lock_guard lock(mutex_);
    ++free_;
    changed_.notify_one();
  }
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return free_ == all_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  const int all_;
};

/// One load of unary calls.
class UnaryLoad {
 public:
  explicit UnaryLoad(const LoadPlan& plan)
      : plan_(plan), stub_(v1::LeaseService::NewStub(connect(plan.address))), slots_(plan.concurrency) {}

  LoadResult run() {
    begin_call(Clock::now());  // connects
    slots_.wait_for_all();
    latencies_.clear();
    answers_ = 0;
    began_ = Clock::now();
    end_ = began_ + plan_.duration;
    plan_.rate > 0 ? run_open() : run_closed();
    slots_.wait_for_all();
    const std::chrono::duration<double> taken = Clock::now() - began_;
    LoadResult result;
    result.per_second = static_cast<double>(answers_) / taken.count();
    result.latencies_ms = std::move(latencies_);
    result.failures = ledger_.failures;
    result.doubles = ledger_.doubles;
    return result;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::LeaseNumberRequest request;
    v1::LeaseNumberResponse response;
    Clock::time_point intended;
  };

  void run_open() {
    std::mt19937_64 random(20261125);
    std::exponential_distribution<double> gap(plan_.rate);
    for (auto at = began_; at < end_;) {
      at += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap(random)));
      std::this_thread::sleep_until(at);
      begin_call(at);
    }
  }

  void run_closed() {
    while (Clock::now() < end_) begin_call(Clock::now());
  }

  void begin_call(Clock::time_point intended) {
    slots_.take();
    auto* const call = new Call;  // its completion deletes it
    call->intended = intended;
    call->request = request_for(new_visit());
    stub_->async()->LeaseNumber(&call->context, &call->request, &call->response,
                                [this, call](const grpc::Status& status) { ended(call, status); });
  }

  void ended(Call* call, const grpc::Status& status) {
    const std::chrono::duration<double, std::milli> taken = Clock::now() - call->intended;
    if (!status.ok()) ++ledger_.failures;
    if (status.ok() && plan_.leases) ledger_.note(call->response.lease());
    const Clock::time_point call_began = call->intended;
    delete call;
    {
      const std::lock_guard lock(mutex_);
      ++answers_;
      if (plan_.rate > 0 && call_began >= began_ + plan_.warm_up) latencies_.push_back(taken.count());
    }
    slots_.give_back();
  }

  const LoadPlan plan_;
  const std::unique_ptr<v1::LeaseService::Stub> stub_;
  Slots slots_;
  Ledger ledger_;
  Clock::time_point began_;
  Clock::time_point end_;
  std::mutex mutex_;
  std::uint64_t answers_ = 0;
  std::vector<double> latencies_;
};

}  // namespace

LoadResult run_unary_load(const LoadPlan& plan) { return UnaryLoad(plan).run(); }

std::vector<double> run_idle_calls(const std::string& address, int calls, std::chrono::milliseconds gap) {
  const std::unique_ptr<v1::LeaseService::Stub> stub = v1::LeaseService::NewStub(connect(address));
  std::vector<double> latencies;
  for (int i = 0; i <= calls; ++i) {
    grpc::ClientContext context;
    const v1::LeaseNumberRequest request = request_for(new_visit());
    v1::LeaseNumberResponse response;
    const auto began = Clock::now();
    const grpc::Status status = stub->LeaseNumber(&context, request, &response);
    const std::chrono::duration<double, std::milli> taken = Clock::now() - began;
    if (i > 0 && status.ok()) latencies.push_back(taken.count());  // the first one connects
    std::this_thread::sleep_for(gap);
  }
  return latencies;
}

LoadResult run_stream_load(const LoadPlan& plan) {
  const std::unique_ptr<v1::LeaseService::Stub> stub = v1::LeaseService::NewStub(connect(plan.address));
  grpc::ClientContext context;
  const auto stream = stub->LeaseNumbers(&context);
  Ledger ledger;
  Slots slots(plan.concurrency / kAsksOfMessage);
  std::uint64_t answers = 0;
  const auto began = Clock::now();
  std::thread reading([&] {
    v1::LeaseNumbersResponse response;
    std::uint64_t messages = 0;
    while (stream->Read(&response)) {
      for (const v1::LeaseNumbersResult& result : response.results()) {
        ++answers;
        if (result.has_lease()) {
          ledger.note(result.lease());
        } else {
          ++ledger.failures;
        }
      }
      // Answered in any order: what counts is how many are under way.
      for (; (messages + 1) * kAsksOfMessage <= answers; ++messages) slots.give_back();
    }
  });
  while (Clock::now() < began + plan.duration) {
    slots.take();
    v1::LeaseNumbersRequest request;
    for (int i = 0; i < kAsksOfMessage; ++i)
      *request.add_asks()->mutable_request() = request_for(new_visit());
    stream->Write(request);
  }
  stream->WritesDone();
  reading.join();
  stream->Finish();
  const std::chrono::duration<double> taken = Clock::now() - began;
  return {static_cast<double>(answers) / taken.count(), {}, ledger.failures, ledger.doubles};
}

std::vector<double> run_event_readers(const std::string& address, int readers, bool stopped,
                                      std::chrono::milliseconds duration) {
  const auto begin_stream = [&](grpc::ClientContext& context, v1::CallService::Stub& stub) {
    auto stream = stub.StreamCallEvents(&context);
    v1::StreamCallEventsRequest request;
    request.mutable_start()->set_latest(true);
    stream->Write(request);
    stream->WaitForInitialMetadata();
    return stream;
  };
  const std::unique_ptr<v1::CallService::Stub> stub = v1::CallService::NewStub(connect(address));
  const std::unique_ptr<v1::CallService::Stub> other = v1::CallService::NewStub(connect(address));
  grpc::ClientContext idle_context;
  const auto idle = stopped ? begin_stream(idle_context, *other) : nullptr;
  std::mutex mutex;
  std::vector<double> delays;
  std::vector<std::thread> threads;
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      grpc::ClientContext context;
      const auto stream = begin_stream(context, *stub);
      std::vector<double> own;
      const auto end = Clock::now() + duration;
      for (v1::StreamCallEventsResponse response; Clock::now() < end && stream->Read(&response);) {
        const auto& time = response.event().event_time();
        const std::chrono::duration<double, std::milli> delay =
            std::chrono::system_clock::now().time_since_epoch() - std::chrono::seconds(time.seconds()) -
            std::chrono::nanoseconds(time.nanos());
        own.push_back(delay.count());
      }
      context.TryCancel();
      stream->Finish();
      const std::lock_guard lock(mutex);
      delays.insert(delays.end(), own.begin(), own.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (idle) {
    idle_context.TryCancel();
    idle->Finish();
  }
  return delays;
}

}  // namespace ringtrace::bench
