#include "tests/crash/site.h"

#include <functional>
#include <utility>

namespace ringtrace::crash {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// How long one answer may take.
constexpr milliseconds kPatience{2'000};

/// Visits are called after their pool: "main-17".
std::string pool_of(const std::string& visit) { return "pools/" + visit.substr(0, visit.find('-')); }

Time time_of(const google::protobuf::Timestamp& timestamp) {
  return Time(milliseconds(timestamp.seconds() * 1'000 + timestamp.nanos() / 1'000'000));
}

Answer answer_of(const v1::Lease& lease) {
  return {lease.number(), time_of(lease.expire_time()), lease.durable(),
          lease.kind() == v1::NUMBER_KIND_FALLBACK};
}

void set_ttl(google::protobuf::Duration& duration, milliseconds ttl) {
  duration.set_seconds(ttl.count() / 1'000);
  duration.set_nanos(static_cast<std::int32_t>(ttl.count() % 1'000 * 1'000'000));
}

std::shared_ptr<grpc::Channel> channel_to(const std::string& address) {
  grpc::ChannelArguments arguments;
  // The gateway is gone and back within milliseconds.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 20);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Time civil_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

/// One request under way.
struct Site::Call {
  virtual ~Call() = default;
  virtual void answered(Time now) = 0;

  std::string visit;
  Time sent{};
  grpc::ClientContext context;
  grpc::Status status;
};

template <typename Response>
struct Site::CallOf : Call {
  using Take = std::function<void(CallOf&, Time)>;

  void answered(Time now) override { take(*this, now); }

  Response response;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  Take take;
};

Site::Site(Settings settings, Promises& promises, std::uint64_t seed)
    : settings_(std::move(settings)),
      promises_(promises),
      random_(seed),
      channel_(channel_to(settings_.address)) {
  stub_ = v1::LeaseService::NewStub(channel_);
}

Site::~Site() {
  finish();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) delete static_cast<Call*>(tag);
}

void Site::run(milliseconds time) {
  const auto end = SteadyClock::now() + time;
  std::exponential_distribution<double> gap(settings_.requests_per_second);
  auto due = SteadyClock::now();
  while (due < end) {
    due += std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(gap(random_)));
    while (SteadyClock::now() < due) {
      take_one(std::chrono::system_clock::now() + (due - SteadyClock::now()));
    }
    begin_one();
  }
}

void Site::finish() {
  while (!busy_.empty()) take_one(std::chrono::system_clock::now() + kPatience);
}

bool Site::wait_until_served(milliseconds patience) {
  return channel_->WaitForConnected(std::chrono::system_clock::now() + patience);
}

/// Takes one answer; false when none came in time.
bool Site::take_one(std::chrono::system_clock::time_point until) {
  void* tag = nullptr;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return false;
  const std::unique_ptr<Call> call(static_cast<Call*>(tag));
  busy_.erase(call->visit);
  call->answered(civil_now());
  return true;
}

template <typename Response>
std::unique_ptr<Site::CallOf<Response>> Site::new_call(const std::string& visit) {
  auto call = std::make_unique<CallOf<Response>>();
  call->visit = visit;
  call->sent = civil_now();
  call->context.set_deadline(std::chrono::system_clock::now() + kPatience);
  busy_.insert(visit);
  ++sent_;
  return call;
}

/// Leaves the call to the queue, until take_one.
template <typename Response>
void Site::wait_for(std::unique_ptr<CallOf<Response>> call) {
  auto& pending = *call.release();
  pending.reader->Finish(&pending.response, &pending.status, static_cast<Call*>(&pending));
}

milliseconds Site::random_ttl() {
  return milliseconds(std::uniform_int_distribution<std::int64_t>(settings_.shortest_ttl.count(),
                                                                  settings_.longest_ttl.count())(random_));
}

void Site::begin_one() {
  const char* const pool = random_() % 2 == 0 ? "main-" : "strict-";
  const std::string visit =
      pool + std::to_string(random_() % static_cast<std::uint64_t>(settings_.visits_per_pool));
  if (busy_.contains(visit)) return;
  switch (random_() % 10) {
    case 0:
    case 1:
      return release(visit);
    case 2:
    case 3:
    case 4:
      return renew(visit);
    default:
      return lease(visit);
  }
}

void Site::lease(const std::string& visit) {
  auto call = new_call<v1::LeaseNumberResponse>(visit);
  v1::LeaseNumberRequest request;
  request.set_parent(pool_of(visit));
  request.mutable_visit()->set_visit_id(visit);
  request.mutable_visit()->mutable_attributes()->set_utm_source("crash");
  set_ttl(*request.mutable_ttl(), random_ttl());
  call->take = [this](CallOf<v1::LeaseNumberResponse>& done, Time now) {
    if (done.status.ok()) {
      promises_.leased(done.visit, answer_of(done.response.lease()), done.sent, now);
    } else if (done.status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) {
      promises_.lease_in_doubt(done.visit, now);
    }
  };
  call->reader = stub_->AsyncLeaseNumber(&call->context, request, &queue_);
  wait_for(std::move(call));
}

void Site::renew(const std::string& visit) {
  auto call = new_call<v1::RenewLeaseResponse>(visit);
  v1::RenewLeaseRequest request;
  request.set_parent(pool_of(visit));
  request.set_visit_id(visit);
  set_ttl(*request.mutable_ttl(), random_ttl());
  call->take = [this](CallOf<v1::RenewLeaseResponse>& done, Time now) {
    if (done.status.ok()) {
      promises_.leased(done.visit, answer_of(done.response.lease()), done.sent, now);
    } else if (done.status.error_code() == grpc::StatusCode::NOT_FOUND) {
      promises_.renew_not_found(done.visit, now);
    } else {
      // Perhaps extended, or brought back from its hold.
      promises_.lease_in_doubt(done.visit, now);
    }
  };
  call->reader = stub_->AsyncRenewLease(&call->context, request, &queue_);
  wait_for(std::move(call));
}

void Site::release(const std::string& visit) {
  auto call = new_call<v1::ReleaseLeaseResponse>(visit);
  v1::ReleaseLeaseRequest request;
  request.set_parent(pool_of(visit));
  request.set_visit_id(visit);
  promises_.release_sent(visit, call->sent);
  call->take = [this](CallOf<v1::ReleaseLeaseResponse>& done, Time now) {
    const bool over = done.status.ok() || done.status.error_code() == grpc::StatusCode::NOT_FOUND;
    if (over) promises_.released(done.visit, now);
  };
  call->reader = stub_->AsyncReleaseLease(&call->context, request, &queue_);
  wait_for(std::move(call));
}

void Site::verify() {
  for (const std::string& visit : promises_.visits()) verify_one(visit);
}

grpc::Status Site::get(const std::string& visit, v1::Lease& lease) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  v1::GetLeaseRequest request;
  request.set_parent(pool_of(visit));
  request.set_visit_id(visit);
  v1::GetLeaseResponse response;
  const grpc::Status status = stub_->GetLease(&context, request, &response);
  lease = response.lease();
  return status;
}

void Site::verify_one(const std::string& visit) {
  v1::Lease held;
  const grpc::Status status = get(visit, held);
  const Time now = civil_now();
  const bool in_doubt = promises_.is_in_doubt(visit);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return promises_.not_found(visit, now);
  if (!status.ok()) throw std::runtime_error("GetLease of " + visit + ": " + status.error_message());
  promises_.found(visit, answer_of(held), now);
  if (!in_doubt) return;
  // The retry of what was in doubt must give the number that was seen.
  lease(visit);
  finish();
}

bool Site::all_durable() {
  for (const std::string& visit : promises_.visits()) {
    if (!promises_.number_of(visit)) continue;
    v1::Lease held;
    if (get(visit, held).ok() && !held.durable()) return false;
  }
  return true;
}

}  // namespace ringtrace::crash
