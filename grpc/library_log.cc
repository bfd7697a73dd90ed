#include "grpc/library_log.h"

#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <string_view>

namespace ringtrace::rpc {
namespace {

constexpr std::string_view kHandshake = "Handshake failed with fatal error ";

std::atomic<std::uint64_t> failures{0};
std::atomic<std::int64_t> told_at{0};  // seconds of the steady clock

/// The reason at the end of "SSL_ERROR_SSL: error:0A000086:SSL routines::certificate verify failed.".
std::string_view reason_of(std::string_view message) {
  message.remove_prefix(kHandshake.size());
  if (const std::size_t last = message.rfind("::"); last != std::string_view::npos)
    message.remove_prefix(last + 2);
  if (!message.empty() && message.back() == '.') message.remove_suffix(1);
  return message;
}

void take(gpr_log_func_args* line) {
  const std::string_view message = line->message;
  if (!message.starts_with(kHandshake)) return;
  failures.fetch_add(1, std::memory_order_relaxed);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
  if (told_at.exchange(now, std::memory_order_relaxed) == now) return;
  const std::string_view reason = reason_of(message);
  spdlog::warn("event=tls_handshake_failed reason=\"{}\"", std::string(reason));
}

}  // namespace

void take_library_log() {
  gpr_set_log_function(take);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

std::uint64_t failed_handshakes() { return failures.load(std::memory_order_relaxed); }

}  // namespace ringtrace::rpc
