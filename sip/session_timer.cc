#include "sip/session_timer.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace ringtrace::sip {
namespace {

constexpr const char* kSessionExpires = "Session-Expires";
constexpr std::chrono::seconds kLeastInterval{90};  // section 4

std::optional<std::chrono::seconds> leading_seconds(std::string_view text) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

std::chrono::seconds wanted_interval(const Message& invite, std::chrono::seconds interval) {
  interval = std::max(interval, kLeastInterval);
  return std::max(interval, leading_seconds(invite.joined_header("Min-SE")).value_or(interval));
}

}  // namespace

std::optional<std::chrono::seconds> session_interval(const Message& message) {
  return leading_seconds(message.joined_header(kSessionExpires, "x"));
}

void ask_for_session_timer(Message& invite, std::chrono::seconds interval) {
  if (!invite.joined_header(kSessionExpires, "x").empty()) return;
  invite.add_extension_header(kSessionExpires, std::to_string(wanted_interval(invite, interval).count()));
}

void have_sender_refresh(Message& success, const Message& invite, std::chrono::seconds interval) {
  if (!success.joined_header(kSessionExpires, "x").empty() || !invite.lists("Supported", "k", "timer"))
    return;
  const auto asked = session_interval(invite).value_or(wanted_interval(invite, interval));
  success.add_extension_header(kSessionExpires, std::to_string(asked.count()) + ";refresher=uac");
  success.add_extension_header("Require", "timer");
}

}  // namespace ringtrace::sip
