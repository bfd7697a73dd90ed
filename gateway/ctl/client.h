#pragma once

#include <google/protobuf/message.h>

#include <chrono>
#include <memory>
#include <string>

namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc

namespace ringtrace::ctl {

/// What the program exits with.
enum ExitCode : int {
  kExitOk = 0,
  kExitRefused = 1,      ///< the gateway said no, or knows no such thing
  kExitUsage = 2,        ///< the command line is wrong
  kExitUnreachable = 3,  ///< no gateway answers at the address
  kExitTrouble = 4,  ///< the gateway is there and cannot now: its store is away, it stops, no answer in time
};

/// What all commands share.
struct Common {
  std::string server = "127.0.0.1:7080";
  bool json = false;
  std::chrono::milliseconds timeout = std::chrono::seconds(5);
  bool colour = false;  ///< stdout is a terminal that wants colours
  bool tls = false;
  std::string tls_ca;           ///< a PEM file; empty: the system's CAs
  std::string tls_certificate;  ///< our own, for gateways that ask for one; empty: none
  std::string tls_key;
  std::string token;  ///< empty: none
};

/// A channel to the gateway; connects with the first call. std::runtime_error when a PEM file cannot be read.
std::shared_ptr<grpc::Channel> connect(const Common& common);

/// Shows the token, if there is one.
void authorise(grpc::ClientContext& context, const Common& common);

/// The same, and gives a unary call its deadline.
void prepare(grpc::ClientContext& context, const Common& common);

/// Says on stderr why a call failed and returns what to exit with.
int report(const Common& common, const grpc::Status& status);

/// True when nobody answered at the address: the failure is the connection's and not the gateway's word.
bool is_unreachable(const grpc::Status& status);

/// The message as one line of JSON on stdout, with the field names of the .proto files.
void print_json(const google::protobuf::Message& message);

/// "pools/main" for "main" and for "pools/main".
std::string pool_resource_of(const std::string& pool);

}  // namespace ringtrace::ctl
