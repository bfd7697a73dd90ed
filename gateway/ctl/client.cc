#include "gateway/ctl/client.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "gateway/ctl/complaint.h"
#include "gateway/ctl/connection_check.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

/// The detail of that type that the error carries; none when it carries none.
template <typename Detail>
std::optional<Detail> detail_of(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return std::nullopt;
  Detail detail;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

/// The gateway's google.rpc.Status; of an error that is not its own one with that text.
std::string error_json(const grpc::Status& status, const std::optional<google::rpc::ErrorInfo>& info,
                       const std::string& own_text) {
  google::rpc::Status message;
  if (!info || !message.ParseFromString(status.error_details())) {
    message.Clear();
    message.set_code(status.error_code());
    message.set_message(own_text);
  }
  std::string text;
  return google::protobuf::util::MessageToJsonString(message, &text).ok() ? text : status.error_message();
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  if (!file || content.str().empty()) throw std::runtime_error("cannot read " + path);
  return content.str();
}

std::shared_ptr<grpc::ChannelCredentials> credentials(const Common& common) {
  if (!common.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  if (!common.tls_ca.empty()) options.pem_root_certs = content_of(common.tls_ca);
  if (!common.tls_certificate.empty()) {
    options.pem_cert_chain = content_of(common.tls_certificate);
    options.pem_private_key = content_of(common.tls_key);
  }
  return grpc::SslCredentials(options);
}

}  // namespace

std::shared_ptr<grpc::Channel> connect(const Common& common) {
  grpc::ChannelArguments arguments;
  const auto timeout = static_cast<int>(std::min<std::int64_t>(common.timeout.count(), 600'000));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // A connection that does not come about in time is the same to a caller as an answer that does not.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, timeout + 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  return grpc::CreateCustomChannel(common.server, credentials(common), arguments);
}

void authorise(grpc::ClientContext& context, const Common& common) {
  // Not as call credentials: the library refuses those without TLS, which a loopback gateway may not have.
  if (!common.token.empty()) context.AddMetadata("authorization", "Bearer " + common.token);
}

void prepare(grpc::ClientContext& context, const Common& common) {
  authorise(context, common);
  context.set_deadline(std::chrono::system_clock::now() + common.timeout);
}

bool is_unreachable(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         !detail_of<google::rpc::ErrorInfo>(status).has_value();
}

int report(const Common& common, const grpc::Status& status) {
  const auto info = detail_of<google::rpc::ErrorInfo>(status);
  const bool unreachable = is_unreachable(status);
  const bool silent = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && !info;
  std::string text = status.error_message();
  if (unreachable) {
    text = "cannot reach the gateway at " + common.server + ": " + why_unreachable(common).value_or(text);
  } else if (silent) {
    text = "no answer from " + common.server + " within " + std::to_string(common.timeout.count()) + " ms";
  }
  if (common.json) {
    std::cerr << error_json(status, info, text) << '\n';
  } else if (unreachable) {
    std::cerr << "ringtracectl: " << printable(text) << "\nIs ringtraced running? --server says where"
              << (common.tls ? ".\n" : ", --tls or --tls-ca that it speaks TLS.\n");
  } else if (silent) {
    std::cerr << "ringtracectl: " << printable(text) << "; --timeout allows more\n";
  } else {
    std::cerr << "ringtracectl: " << printable(text);
    if (info) std::cerr << " (" << printable(info->reason()) << ')';
    if (const auto retry = detail_of<google::rpc::RetryInfo>(status)) {
      std::cerr << "; try again in " << duration_text(retry->retry_delay());
    }
    std::cerr << '\n';
    const std::string_view advice = info ? advice_on(info->reason()) : std::string_view();
    if (!advice.empty()) std::cerr << advice << '\n';
  }
  if (unreachable) return kExitUnreachable;
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return kExitTrouble;
    default:
      return kExitRefused;
  }
}

void print_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (google::protobuf::util::MessageToJsonString(message, &text, options).ok()) std::cout << text << '\n';
}

std::string pool_resource_of(const std::string& pool) {
  return pool.rfind("pools/", 0) == 0 ? pool : "pools/" + pool;
}

}  // namespace ringtrace::ctl
