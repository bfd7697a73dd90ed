#include "gateway/config_grpc.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "gateway/config_pools.h"
#include "gateway/config_reader.h"
#include "gateway/token_file.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kEndpointForm = "an address and port such as \"127.0.0.1:7080\" or \"[::1]:7080\"";

/// More than any chain of certificates has.
constexpr std::uintmax_t kMaxPemBytes = 1024 * 1024;

std::optional<Endpoint> any_port_endpoint(std::string_view text) { return parse_endpoint(text, true); }

std::optional<std::string> content_of(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) ||
      std::filesystem::file_size(path, error) > kMaxPemBytes) {
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) return std::nullopt;
  return content.str();
}

void read_tls_files(const TableReader& table, const std::string& directory, GrpcConfig& grpc) {
  const bool certificate = table.has("tls_certificate");
  if (certificate != table.has("tls_private_key")) {
    table.mistakes().add(table.line(certificate ? "tls_certificate" : "tls_private_key"),
                         "[grpc] half of a TLS identity", "tls_certificate and tls_private_key, or neither");
    return;
  }
  if (!certificate) {
    if (table.has("tls_client_ca")) {
      table.mistakes().add(table.line("tls_client_ca"), "[grpc] tls_client_ca without TLS",
                           "tls_certificate and tls_private_key beside it");
    }
    return;
  }
  TlsFiles files{beside(directory, table.text("tls_certificate")),
                 beside(directory, table.text("tls_private_key")), ""};
  if (table.has("tls_client_ca")) files.client_ca = beside(directory, table.text("tls_client_ca"));
  auto read = read_tls(files);
  if (const auto* problem = std::get_if<std::string>(&read)) {
    table.mistakes().add(table.line("tls_certificate"), "[grpc] " + *problem);
    return;
  }
  grpc.tls = std::get<rpc::TlsIdentity>(std::move(read));
  grpc.tls_files = std::move(files);
}

void check_listen(const TableReader& table, const GrpcConfig& grpc) {
  const bool credentials = table.has("token_file") || table.has("tls_client_ca");
  if (credentials || !table.has("listen") || grpc.listen.host.empty() || grpc.listen.is_loopback()) return;
  table.mistakes().add(
      table.line("listen"),
      "[grpc] listen = \"" + grpc.listen.to_string() + "\" is beyond loopback, and anyone there could lease",
      "token_file or tls_client_ca beside it, or a loopback address");
}

}  // namespace

bool GrpcConfig::same_but_for_secrets(const GrpcConfig& other) const {
  GrpcConfig with_ours = other;
  with_ours.tls = tls;
  with_ours.tokens = tokens;
  return *this == with_ours;
}

std::variant<rpc::TlsIdentity, std::string> read_tls(const TlsFiles& files) {
  rpc::TlsIdentity identity;
  const std::pair<const std::string*, std::string*> parts[] = {
      {&files.certificate, &identity.certificate_chain},
      {&files.private_key, &identity.private_key},
      {&files.client_ca, &identity.client_ca}};
  for (const auto& [path, text] : parts) {
    if (path->empty()) continue;
    std::optional<std::string> content = content_of(*path);
    if (!content) return "\"" + *path + "\" cannot be read";
    *text = std::move(*content);
  }
  const auto now = std::chrono::floor<pool::Duration>(std::chrono::system_clock::now());
  const auto checked = rpc::check_tls(identity, now);
  if (const auto* mistake = std::get_if<rpc::TlsMistake>(&checked)) {
    return "\"" + *parts[static_cast<std::size_t>(mistake->part)].first + "\" " + mistake->problem;
  }
  if (!files.client_ca.empty() && identity.client_ca.empty()) return "\"" + files.client_ca + "\" is empty";
  return identity;
}

void read_grpc(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  for (const TableReader& table : read_section(mistakes, "grpc", root)) {
    GrpcConfig& grpc = config.grpc;
    grpc.listen = table.parsed<Endpoint>("listen", any_port_endpoint, kEndpointForm);
    read_tls_files(table, directory, grpc);
    grpc.tls_check_interval = table.duration("tls_check_interval");
    if (table.has("token_file")) {
      grpc.tokens = read_token_file(mistakes, table.line("token_file"),
                                    beside(directory, table.text("token_file")), config.pools);
    }
    check_listen(table, grpc);
    grpc.max_message_bytes = table.size("max_message_bytes");
    grpc.max_buffered_bytes = table.size("max_buffered_bytes");
    grpc.max_streams_per_connection = table.size("max_streams_per_connection");
    grpc.max_event_streams = table.size("max_event_streams");
    grpc.max_requests_per_client = table.size("max_requests_per_client");
    grpc.max_streams_per_client = table.size("max_streams_per_client");
    grpc.keepalive_interval = table.duration("keepalive_interval");
    grpc.max_connection_age = table.duration("max_connection_age");
    grpc.drain_delay = table.duration("drain_delay");
  }
}

}  // namespace ringtrace::gateway
