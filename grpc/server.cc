#include "grpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "grpc/call_core.h"
#include "grpc/event_streams.h"
#include "grpc/event_tail.h"
#include "grpc/lease_core.h"
#include "grpc/pool_core.h"
#include "grpc/server_settings.h"
#include "grpc/stay_awake.h"
#include "grpc/tls_credentials.h"
#include "grpc/transport.h"

namespace ringtrace::rpc {
namespace {

constexpr std::array kServiceNames = {"ringtrace.v1.LeaseService", "ringtrace.v1.CallService",
                                      "ringtrace.v1.PoolService"};

/// Why an address cannot be listened on; the library keeps its reason to itself, so it is asked for again.
std::string why_not(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return "not of the form HOST:PORT";
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error =
          getaddrinfo(host.empty() ? nullptr : host.c_str(), address.c_str() + colon + 1, &hints, &found)) {
    return gai_strerror(error);
  }
  int reason = EADDRINUSE;
  if (const int socket = ::socket(found->ai_family, SOCK_STREAM, 0); socket >= 0) {
    const int one = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (::bind(socket, found->ai_addr, found->ai_addrlen) != 0) reason = errno;
    ::close(socket);
  }
  freeaddrinfo(found);
  return std::strerror(reason);
}

std::optional<TokenTable> table_of(std::optional<std::vector<TokenGrant>> grants) {
  if (!grants) return std::nullopt;
  return TokenTable(std::move(*grants));
}

}  // namespace

struct Server::State {
  State(ServerConfig server_config, const Backends& backends)
      : config(std::move(server_config)),
        access(table_of(config.tokens), config.client_limits, backends.leasing.clock()),
        front{access, statistics, config.max_message_bytes, backends.eraser},
        lease_core(backends.leasing),
        pool_core(backends.leasing.pools(), backends.leasing.clock(), backends.held_back),
        call_core(backends.calls, backends.eraser),
        number_core(backends.leasing, backends.numbers),
        tail(EventTail::create(backends.events)),
        subscriptions(*tail, backends.leasing.pools(), backends.subscriptions),
        streams(*tail, config.max_event_streams),
        services{make_lease_service(lease_core, streams, front),
                 make_pool_service(pool_core, number_core, streams, front, config.pool_watch_interval),
                 make_call_service(call_core, subscriptions, streams, front)} {
    if (config.tls) tls.emplace(*config.tls);
  }

  const ServerConfig config;
  Statistics statistics;
  AccessControl access;
  Front front;
  std::optional<TlsCredentials> tls;
  LeaseCore lease_core;
  PoolCore pool_core;
  CallCore call_core;
  NumberCore number_core;
  std::shared_ptr<EventTail> tail;
  Subscriptions subscriptions;
  EventStreams streams;
  std::array<std::unique_ptr<grpc::Service>, 3> services;
  std::unique_ptr<grpc::Server> server;
  std::optional<StayAwake> stay_awake;
  int port = 0;
};

Server::Server(ServerConfig config, const Backends& backends)
    : state_(std::make_unique<State>(std::move(config), backends)) {}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

std::optional<std::string> Server::start() {
  State& state = *state_;
  const ServerConfig& config = state.config;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  grpc::ServerBuilder builder;
  apply_settings(builder, config);
  builder.AddListeningPort(config.address, state.tls ? state.tls->make() : grpc::InsecureServerCredentials(),
                           &state.port);
  for (const auto& service : state.services) builder.RegisterService(service.get());

  state.server = builder.BuildAndStart();
  if (!state.server || state.port == 0) {
    state.server.reset();
    state.port = 0;
    return "cannot listen on " + config.address + ": " + why_not(config.address);
  }
  for (const char* name : kServiceNames) state.server->GetHealthCheckService()->SetServingStatus(name, true);
  state.stay_awake.emplace(state.server->InProcessChannel(grpc::ChannelArguments()));
  return std::nullopt;
}

int Server::bound_port() const { return state_->port; }

void Server::announce_end() {
  if (state_->server) state_->server->GetHealthCheckService()->Shutdown();
}

void Server::stop(std::chrono::milliseconds deadline) {
  State& state = *state_;
  if (!state.server) return;
  announce_end();
  state.stay_awake.reset();
  state.streams.drain();
  state.server->Shutdown(std::chrono::system_clock::now() + deadline);
  state.server.reset();
}

void Server::replace_tokens(std::optional<std::vector<TokenGrant>> tokens) {
  state_->access.replace(table_of(std::move(tokens)));
}

void Server::replace_tls(TlsIdentity identity) { state_->tls->replace(std::move(identity)); }

StatisticsSnapshot Server::statistics() const {
  StatisticsSnapshot snapshot = state_->statistics.snapshot();
  snapshot.streams_open = state_->streams.open();
  return snapshot;
}

}  // namespace ringtrace::rpc
