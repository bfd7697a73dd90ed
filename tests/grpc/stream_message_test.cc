#include <catch2/catch.hpp>
#include <string>

#include "tests/grpc/harness.h"

/// What a stream makes of a message that is none, or too long: the same as a method without streams.
namespace ringtrace::rpc::testing {
namespace {

/// Opens a stream, sends it bytes as its first message, and tells how it ended.
grpc::Status end_of(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& bytes) {
  grpc::GenericStub stub(channel);
  Context context;
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  REQUIRE(queue.Next(&tag, &ok));
  const grpc::Slice slice(bytes);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  REQUIRE(queue.Next(&tag, &ok));
  grpc::Status status;
  call->Finish(&status, nullptr);
  REQUIRE(queue.Next(&tag, &ok));
  return status;
}

const std::string kStreams[] = {"/ringtrace.v1.LeaseService/LeaseNumbers",
                                "/ringtrace.v1.CallService/StreamCallEvents",
                                "/ringtrace.v1.PoolService/WatchPools"};

}  // namespace

TEST_CASE("a stream ends with a reason when a message of it is none") {
  Harness harness;
  for (const std::string& stream : kStreams) {
    INFO(stream);
    const grpc::Status status = end_of(harness.channel, stream, "\xFF\xFF\xFF");
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(error_info(status).reason() == "MESSAGE_MALFORMED");
  }
}

TEST_CASE("a stream ends with a reason when a message of it is too long, which is not looked at") {
  Harness harness;
  for (const std::string& stream : kStreams) {
    INFO(stream);
    const grpc::Status status = end_of(harness.channel, stream, std::string(4 * 1024 * 1024, '\xFF'));
    CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    CHECK(error_info(status).reason() == "MESSAGE_TOO_LARGE");
    CHECK(error_info(status).metadata().at("bytes") == "4194304");
  }
}

TEST_CASE("what a stream had asked before a message that is none is answered first") {
  Harness harness;
  grpc::GenericStub stub(harness.channel);
  Context context;
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto call = stub.PrepareCall(&context, kStreams[0], &queue);
  call->StartCall(nullptr);
  REQUIRE(queue.Next(&tag, &ok));
  v1::LeaseNumbersRequest request;
  *request.mutable_request() = lease_request();
  // A text cut in the middle of a character is no message of proto3.
  std::string broken = request.SerializeAsString();
  broken.replace(broken.find("v-1"), 3, "v-\xD1");
  for (const std::string& bytes : {request.SerializeAsString(), broken}) {
    const grpc::Slice slice(bytes);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    REQUIRE(queue.Next(&tag, &ok));
  }
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  REQUIRE(queue.Next(&tag, &ok));
  CHECK(ok);
  grpc::Status status;
  call->Finish(&status, nullptr);
  REQUIRE(queue.Next(&tag, &ok));
  CHECK(error_info(status).reason() == "MESSAGE_MALFORMED");
}

}  // namespace ringtrace::rpc::testing
