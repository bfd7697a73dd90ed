#include "grpc/stay_awake.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

namespace ringtrace::rpc {
namespace {

/// One call of the health service about the whole server; its request is the empty message.
void call_health(grpc::GenericStub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + StayAwake::kInterval);
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

}  // namespace

StayAwake::StayAwake(std::shared_ptr<grpc::Channel> channel)
    : channel_(std::move(channel)), thread_([this] { run(); }) {}

StayAwake::~StayAwake() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

void StayAwake::run() {
  grpc::GenericStub stub(channel_);
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, kInterval, [this] { return stopping_; })) {
    lock.unlock();
    call_health(stub);
    lock.lock();
  }
}

}  // namespace ringtrace::rpc
