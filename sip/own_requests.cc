#include "sip/own_requests.h"

#include <utility>

#include "sip/branch.h"
#include "sip/message_text.h"
#include "sip/proxy_environment.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// Of no proxied request: those branches are longer.
constexpr std::string_view kBranchMark = "own-";

std::string branch_of(std::uint64_t id) {
  return std::string(kMagicCookie) + std::string(kBranchMark) + to_hex(id);
}

std::optional<std::uint64_t> id_of(std::string_view branch) {
  if (!branch.starts_with(kMagicCookie)) return std::nullopt;
  branch.remove_prefix(kMagicCookie.size());
  if (!branch.starts_with(kBranchMark)) return std::nullopt;
  return parse_hex64(branch.substr(kBranchMark.size()));
}

std::string text_of(const OwnRequest& request, const std::string& via) {
  std::string text = request.method + " " + request.uri + " SIP/2.0\r\nVia: " + via +
                     "\r\nMax-Forwards: 70\r\nFrom: " + request.from + "\r\nTo: " + request.to +
                     "\r\nCall-ID: " + request.call_id + "\r\nCSeq: " + std::to_string(request.cseq) + " " +
                     request.method + "\r\n";
  for (const std::string& line : request.headers) text += line + "\r\n";
  return text + "Content-Length: 0\r\n\r\n";
}

}  // namespace

struct OwnRequests::Pending {
  Pending(Hop to, Done what, Transport transport)
      : hop(to), done(std::move(what)), transaction(transport, TransactionTimes{}) {}

  Hop hop;
  Done done;
  NonInviteClientTransaction transaction;
  Message message;
  std::size_t listener = 0;
  bool failed = false;
  TimerQueue::Id retransmit = TimerQueue::kNone;
  TimerQueue::Id give_up = TimerQueue::kNone;
};

OwnRequests::OwnRequests(MessageSender& sender, std::vector<Listener> listeners, RandomSource random,
                         SteadyTime now)
    : sender_(sender), listeners_(std::move(listeners)), random_(std::move(random)), timers_(now) {}

OwnRequests::~OwnRequests() = default;

void OwnRequests::send(const Hop& hop, const OwnRequest& request, Milliseconds patience, Done done,
                       SteadyTime now) {
  std::uint64_t id = random_();
  while (pending_.contains(id)) id = random_();
  auto& pending =
      *pending_.emplace(id, std::make_unique<Pending>(hop, std::move(done), hop.transport)).first->second;
  const auto listener = find_listener(listeners_, hop, listeners_.size());
  if (listener && pending_.size() <= kMaximum) {
    pending.listener = *listener;
    pending.message = Message::parse(text_of(request, listeners_[*listener].via_value(branch_of(id))));
    pending.failed = !pending.message.is_well_formed();
  } else {
    pending.failed = true;
  }
  for (const Action& action : pending.transaction.start()) {
    if (action.kind == Action::Kind::kTransmit) transmit(pending);
    if (action.kind == Action::Kind::kStartTimer && action.timer == Timer::kE)
      pending.retransmit = timers_.start(now + action.after, {id, kRetransmit});
  }
  // Whoever waits is told from tick(), never from in here.
  pending.give_up = timers_.start(pending.failed ? now : now + patience, {id, kGiveUp});
}

void OwnRequests::transmit(Pending& pending) {
  if (pending.failed) return;
  pending.failed =
      !pending.message.prepare() || !sender_.send(pending.message, pending.listener, pending.hop);
}

bool OwnRequests::seems_answer(std::string_view datagram) {
  static const std::string mark = "branch=" + std::string(kMagicCookie) + std::string(kBranchMark);
  return datagram.starts_with("SIP/2.0") &&
         first_row(datagram, Field::kVia).find(mark) != std::string_view::npos;
}

bool OwnRequests::receive(const Message& response) {
  const auto id = id_of(response.via(0).branch);
  if (!id || response.via_count() != 1) return false;
  const auto found = pending_.find(*id);
  if (found == pending_.end()) return true;
  Pending& pending = *found->second;
  if (response.method_name() != pending.message.method_name()) return true;
  for (const Action& action : pending.transaction.receive(response.status())) {
    if (action.kind != Action::Kind::kDeliver || response.status() < 200) continue;
    finish(*id, &response);
    return true;
  }
  return true;
}

void OwnRequests::transport_failed(const Hop& hop) {
  for (auto& [id, pending] : pending_) {
    if (pending->hop == hop) pending->failed = true;
  }
}

void OwnRequests::tick(SteadyTime now) {
  std::vector<std::uint64_t> failed;
  for (const auto& [id, pending] : pending_) {
    if (pending->failed) failed.push_back(id);
  }
  for (const std::uint64_t id : failed) finish(id, nullptr);
  timers_.advance(now,
                  [&](TimerQueue::Id, TimerQueue::Event event) { on_timer(event.owner, event.what, now); });
}

void OwnRequests::on_timer(std::uint64_t id, std::uint32_t what, SteadyTime now) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  Pending& pending = *found->second;
  if (what == kGiveUp) {
    pending.give_up = TimerQueue::kNone;
    finish(id, nullptr);
    return;
  }
  pending.retransmit = TimerQueue::kNone;
  for (const Action& action : pending.transaction.on_timer(Timer::kE)) {
    if (action.kind == Action::Kind::kTransmit) transmit(pending);
    if (action.kind == Action::Kind::kStartTimer)
      pending.retransmit = timers_.start(now + action.after, {id, kRetransmit});
  }
}

void OwnRequests::finish(std::uint64_t id, const Message* response) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const std::unique_ptr<Pending> pending = std::move(found->second);
  pending_.erase(found);
  timers_.stop(pending->retransmit);
  timers_.stop(pending->give_up);
  pending->done(response);
}

}  // namespace ringtrace::sip
