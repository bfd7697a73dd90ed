#include "bench/grpc_child.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <variant>

#include "gateway/clock.h"
#include "gateway/config.h"
#include "gateway/store_part.h"
#include "grpc/server.h"
#include "grpc/server_settings.h"
#include "proto/from_pool.h"
#include "redis/caller_key.h"

namespace ringtrace::bench {
namespace {

using namespace std::chrono_literals;

/// LeaseNumber and nothing behind it, by a server of the same settings.
class EmptyService final : public v1::LeaseService::CallbackService {
 public:
  grpc::ServerUnaryReactor* LeaseNumber(grpc::CallbackServerContext* context, const v1::LeaseNumberRequest*,
                                        v1::LeaseNumberResponse*) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

void print_port(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
}

/// True when told something, false at the end of the input.
bool wait_to_be_told() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 1;
}

int serve_empty() {
  EmptyService service;
  grpc::ServerBuilder builder;
  int port = 0;
  rpc::apply_settings(builder, {});
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  print_port(port);
  while (wait_to_be_told()) {
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

/// As an operator writes it: what is not said is what a gateway takes by itself.
gateway::Config one_large_pool(const std::string& socket) {
  const std::string text = R"([redis]
url = "unix://)" + socket + R"("

[events]
max_length = 200_000

[sip]
listen = ["udp:127.0.0.1:0"]
default_line_group = "office"

[[trunk]]
name = "carrier"
addresses = ["127.0.0.1"]

[[line_group]]
name = "office"
[[line_group.line]]
name = "desk"
address = "udp:127.0.0.1:5060"

[[pool]]
name = "main"
on_exhausted = "refuse"
numbers = ["+)" + std::to_string(kFirstNumber) +
                           "-+" + std::to_string(kFirstNumber + kNumbers - 1) + "\"]\n";
  auto parsed = gateway::parse_config(text, "bench.toml");
  if (const auto* mistakes = std::get_if<gateway::Mistakes>(&parsed)) {
    std::fprintf(stderr, "%s", mistakes->text().c_str());
    std::abort();
  }
  return std::get<gateway::Config>(std::move(parsed));
}

v1::CallEvent event(std::uint64_t i) {
  v1::CallEvent result;
  v1::Call& call = *result.mutable_call();
  call.set_call_id("01BENCH" + std::to_string(10'000'000'000'000 + i));
  result.set_event_id(call.call_id() + "-ended");
  result.set_type(v1::CALL_EVENT_TYPE_ENDED);
  call.set_dialed_number("+74950000001");
  call.set_caller("+12025550190");
  call.set_outcome(v1::CALL_OUTCOME_ANSWERED);
  call.mutable_resolution()->set_pool("pools/main");
  call.mutable_resolution()->set_source("google/cpc");
  v1::VisitAttributes& attributes = *call.mutable_resolution()->mutable_visit()->mutable_attributes();
  attributes.set_utm_source("google");
  attributes.set_utm_campaign("spring");
  *call.mutable_start_time() =
      to_timestamp(std::chrono::floor<pool::Duration>(std::chrono::system_clock::now()));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  result.mutable_event_time()->set_seconds(std::chrono::floor<std::chrono::seconds>(now).count());
  result.mutable_event_time()->set_nanos(
      static_cast<std::int32_t>((now - std::chrono::floor<std::chrono::seconds>(now)).count()));
  return result;
}

int serve_gateway(const std::string& socket) {
  boost::asio::io_context io(1);
  const auto work = boost::asio::make_work_guard(io);
  const std::unique_ptr<gateway::Log> log =
      std::get<std::unique_ptr<gateway::Log>>(gateway::Log::open({gateway::LogLevel::kError, "", 1024}));
  gateway::Readiness readiness;
  gateway::SteadyClock clock;
  const gateway::Config config = one_large_pool(socket);
  const auto pools = std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(config.pools));
  gateway::StorePart store(io, config, redis::CallerKey("a key of the benchmark's"), clock, *log, readiness);
  pool::Leasing leasing(*pools, &store.leases(), clock);
  std::promise<void> settled;
  store.start(
      leasing, [&] { settled.set_value(); }, [] {});
  boost::asio::steady_timer ticker(io);
  const std::function<void(boost::system::error_code)> tick = [&](boost::system::error_code ended) {
    if (ended) return;
    leasing.tick();
    store.tick();
    ticker.expires_after(200ms);
    ticker.async_wait(tick);
  };
  tick({});
  std::thread loop([&] { io.run(); });
  settled.get_future().wait();
  rpc::Server server({.address = "127.0.0.1:0"},
                     {leasing, store.call_log(), store.call_index(), store.subscriptions(),
                      store.number_book(), store.caller_eraser()});
  if (const auto problem = server.start()) std::fprintf(stderr, "%s\n", problem->c_str());
  print_port(server.bound_port());

  std::atomic<bool> ending{false};
  std::thread appending;
  while (wait_to_be_told()) {
    appending = std::thread([&] {
      const auto began = std::chrono::steady_clock::now();
      for (std::uint64_t i = 0; !ending; ++i) {
        std::this_thread::sleep_until(began + i * std::chrono::nanoseconds(1s) / kEventsPerSecond);
        store.call_sink().record(event(i));
      }
    });
  }
  ending = true;
  if (appending.joinable()) appending.join();
  server.stop(100ms);
  io.stop();
  loop.join();
  return 0;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) std::abort();
  std::vector<std::string> words = {"bench_grpc", "--serve"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execv("/proc/self/exe", pointers.data());
    _exit(127);
  }
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  std::FILE* const lines = fdopen(output[0], "r");
  int port = 0;
  if (std::fscanf(lines, "%d", &port) != 1) std::abort();
  std::fclose(lines);
  port_ = static_cast<std::uint16_t>(port);
}

Child::~Child() {
  ::close(input_);
  waitpid(pid_, nullptr, 0);
}

void Child::tell() const {
  if (::write(input_, "!", 1) != 1) std::abort();
}

double Child::resident_mib() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib / 1024;
  }
  return 0;
}

int serve(const std::vector<std::string>& arguments) {
  return arguments.at(0) == "empty" ? serve_empty() : serve_gateway(arguments.at(1));
}

}  // namespace ringtrace::bench
