#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "grpc/access_rules.h"
#include "grpc/library_types.h"
#include "grpc/transport.h"

/// What stands before every method. For the services of this room.
namespace ringtrace::rpc {

/// The ticket of a request or stream, or why it is not let in.
std::variant<Ticket, Error> admit(Front& front, const grpc::CallbackServerContext& context, Method method);

/// Reads a message of a client's. One that is too long is refused before it is looked at, and one that is
/// none with its reason: left to the library, it would end a stream as if the client had closed its side.
Outcome read_message(const Front& front, const grpc::ByteBuffer& bytes, google::protobuf::Message& message);

/// Writes a message of ours, in place of what `bytes` held.
void write_message(const google::protobuf::Message& message, grpc::ByteBuffer& bytes);

/// The error of a request that the client names, with that name; as it is when the name is none.
Error of_request(Error error, std::string_view request_id);

/// Counts how a request or stream ended; gives the status to end it with.
grpc::Status count_end(Front& front, Method method, const Outcome& outcome);

/// One unary request under way: what it asks, what is answered, and who asks.
class UnaryCall {
 public:
  using Done = std::function<void(const Outcome&)>;

  virtual ~UnaryCall() = default;
  virtual google::protobuf::Message& request() = 0;
  virtual google::protobuf::Message& response() = 0;

  /// As the client names the request; empty when it does not.
  virtual std::string_view request_id() const = 0;

  /// Refuses or narrows the request, and the answer, to what the client may see.
  virtual Outcome restrict_request(const Ticket& ticket) = 0;
  virtual Outcome restrict_answer(const Ticket& ticket) = 0;

  /// Begins; `done` is called exactly once, from any thread.
  virtual void start(Done done) = 0;

  std::optional<Ticket> ticket;  // from when it is let in
};

/// Runs a unary method: refuses it when its deadline has passed, when the client may not call it, or when the
/// request is too long or none, before it is looked at; else starts it.
grpc::ServerUnaryReactor* run_call(Front& front, grpc::CallbackServerContext& context, Method method,
                                   const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                   std::shared_ptr<UnaryCall> call);

/// The same with `work(request, response, done)`; request and response live until it is done.
template <typename Request, typename Response, typename Work>
grpc::ServerUnaryReactor* run_unary(Front& front, grpc::CallbackServerContext& context, Method method,
                                    const grpc::ByteBuffer& request, grpc::ByteBuffer& response, Work work) {
  class Call final : public UnaryCall {
   public:
    explicit Call(Work given) : work_(std::move(given)) {}
    google::protobuf::Message& request() override { return request_; }
    google::protobuf::Message& response() override { return response_; }
    std::string_view request_id() const override {
      if constexpr (requires { request_.request_id(); }) return request_.request_id();
      return {};
    }
    Outcome restrict_request(const Ticket& given) override { return rpc::restrict_request(given, request_); }
    Outcome restrict_answer(const Ticket& given) override { return rpc::restrict_answer(given, response_); }
    void start(Done done) override { work_(request_, response_, std::move(done)); }

   private:
    Work work_;
    // Most messages fit into the call itself: one allocation, and next to nothing to take apart.
    alignas(std::max_align_t) std::array<char, 2048> block_;
    google::protobuf::Arena arena_{block_.data(), block_.size()};
    Request& request_ = *google::protobuf::Arena::CreateMessage<Request>(&arena_);
    Response& response_ = *google::protobuf::Arena::CreateMessage<Response>(&arena_);
  };
  return run_call(front, context, method, request, response, std::make_shared<Call>(std::move(work)));
}

}  // namespace ringtrace::rpc
