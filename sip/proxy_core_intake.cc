// What is done with a datagram before the parser sees it, and with what the parser cannot read: the cheap
// answers, so that floods and overload cost little.

#include <algorithm>
#include <array>

#include "sip/branch.h"
#include "sip/proxy_core.h"
#include "sip/raw_message.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// Tags of answers given without any state: the ACK that comes back for one ends here.
constexpr std::string_view kRawTag = "rtx";
// What every Route and branch of ours contains.
constexpr std::string_view kOwnRoute = ";lr;c=";
constexpr std::string_view kOwnBranch = "z9hG4bKrt.";

std::string raw_tag(const RawMessage& request) {
  // The same for a retransmission; nobody gains by guessing it.
  return std::string(kRawTag) +
         to_hex(loop_hash({}, request.header("From", 'f'), {}, request.header("Call-ID", 'i'), 0,
                          request.header("CSeq", '\0')));
}

// The lines before the first empty one.
std::string_view head_of(std::string_view text) {
  for (std::size_t feed = text.find('\n'); feed != std::string_view::npos; feed = text.find('\n', feed + 1)) {
    const std::string_view next = text.substr(feed + 1, 2);
    const bool returned = feed > 0 && text[feed - 1] == '\r';
    if (next.starts_with('\n') || (returned && next == "\r\n"))
      return text.substr(0, returned ? feed - 1 : feed);
  }
  return text;
}

// The key of exchange_key(), read off the text. Empty when it is not written plainly enough to be sure.
std::string plain_invite_key(const RawMessage& invite) {
  std::string_view via = invite.header("Via", 'v');
  via = via.substr(0, via.find(','));
  const std::size_t semicolon = via.find(';');
  const std::size_t space = via.find(' ');
  if (semicolon == std::string_view::npos || space > semicolon) return {};
  const std::string_view sent_by = via.substr(space + 1, semicolon - space - 1);
  const std::string_view parameters = via.substr(semicolon + 1);
  const auto branch = find_parameter(parameters, "branch");
  constexpr std::string_view kOdd = " \t\r\n\"";
  const bool plain = sent_by.find_first_of(kOdd) == std::string_view::npos &&
                     parameters.find_first_of(kOdd) == std::string_view::npos;
  if (!plain || !branch || !has_magic_cookie(*branch)) return {};
  const std::size_t colon = sent_by.rfind(':');
  const std::size_t bracket = sent_by.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string key(*branch);
  key.append("|").append(sent_by.substr(0, has_port ? colon : sent_by.size()));
  key.append(":").append(has_port ? sent_by.substr(colon + 1) : std::string_view{}).append("|INVITE");
  return key;
}

}  // namespace

bool ProxyCore::is_new_call(std::string_view text) {
  return text.starts_with("INVITE ") && raw_to_tag(text).empty();
}

void ProxyCore::receive_datagram(std::string_view text, const Arrival& arrival, Instant now) {
  env_.now = now;
  // Strangers are not even parsed, unless what they send bears a signature of ours: the Route of a peer that
  // a reload has removed, the branch of a request we sent.
  const std::string_view token = text.starts_with("SIP/") ? kOwnBranch : kOwnRoute;
  if (!is_configured(arrival.source.endpoint.address) &&
      head_of(text).find(token) == std::string_view::npos) {
    env_.stats.refuse(Refusal::kUnknownSource);
    return;
  }
  const ProxyLimits& limits = env_.routing->limits();
  if (text.size() > limits.message_bytes) {
    reject_unread(text, {513, "Message Too Large"}, arrival);
    return;
  }
  if (text.starts_with("ACK ") && raw_to_tag(text).starts_with(kRawTag)) {
    env_.stats.refuse(Refusal::kUnmatchedAck);
    return;
  }
  if (is_new_call(text)) {
    overload_.observe(arrival.waited, now.steady);
    env_.stats.new_call_wait_us.store(
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(arrival.waited).count()),
        std::memory_order_relaxed);
    if (overload_.refuses(now.steady) && refuse_unread(text, arrival)) return;
  }
  Message message = Message::parse(text, limits.headers);
  if (const auto defect = message.defect()) {
    reject_unread(text, *defect, arrival);
  } else {
    receive(std::move(message), arrival, now);
  }
}

void ProxyCore::reject_unread(std::string_view text, const Defect& defect, const Arrival& arrival) {
  if (!is_configured(arrival.source.endpoint.address)) {
    env_.stats.refuse(Refusal::kUnknownSource);
    return;
  }
  const RawMessage raw(head_of(text));
  const bool answerable = raw.is_request() && raw.method() != "ACK" && !raw.header("Via", 'v').empty();
  if (!answerable) {
    env_.stats.refuse(raw.method() == "ACK" ? Refusal::kMalformed : Refusal::kGarbage);
    return;
  }
  env_.stats.refuse(defect.status == 513 ? Refusal::kTooLarge : Refusal::kMalformed);
  Message response = Message::verbatim(make_raw_response(raw, defect.status, defect.reason, raw_tag(raw)));
  env_.send(response, arrival.listener, raw.answers_at(arrival.source));
}

// A new call turned away before it costs anything. False when it may be one that is under way already.
bool ProxyCore::refuse_unread(std::string_view text, const Arrival& arrival) {
  const RawMessage raw(head_of(text));
  const std::string key = plain_invite_key(raw);
  if (key.empty() || env_.exchanges.find(key) != nullptr) return false;
  env_.stats.refuse(Refusal::kOverload);
  Message response = Message::verbatim(
      make_raw_response(raw, 503, "Service Unavailable", raw_tag(raw),
                        {"Retry-After: " + std::to_string(env_.routing->times().retry_after.count())}));
  env_.send(response, arrival.listener, raw.answers_at(arrival.source));
  return true;
}

bool ProxyCore::is_configured(const IpAddress& address) const {
  return env_.routing->find_trunk(address) != nullptr || env_.routing->is_line(address);
}

}  // namespace ringtrace::sip
