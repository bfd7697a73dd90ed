// Runs the transaction machines: does what their actions say, and feeds timers and failures back to them.

#include <algorithm>

#include "sip/forwarder.h"

namespace ringtrace::sip {
namespace {

constexpr std::chrono::milliseconds kLeastReplayInterval{100};

// Waits for what may come again; nothing happens at its end.
bool is_tidy(Timer timer) {
  switch (timer) {
    case Timer::kD:
    case Timer::kI:
    case Timer::kJ:
    case Timer::kK:
    case Timer::kL:
    case Timer::kM:
      return true;
    default:
      return false;
  }
}

bool is_core_timer(Timer timer) {
  return timer == Timer::kC || timer == Timer::kNoProvisional || timer == Timer::kRing ||
         timer == Timer::kCancelWait;
}

}  // namespace

void Forwarder::respond(Exchange& exchange, const Message& response) {
  const int status = response.status();
  const Actions actions =
      std::visit([status](auto& machine) { return machine.respond(status); }, exchange.server);
  if (!actions.has(Action::Kind::kTransmit)) {
    // A 2xx that comes after another final answer still has to reach the caller, whose side then ends the
    // dialog.
    if (exchange.method == Method::kInvite && status >= 200 && status < 300) {
      Message late = response;
      env_.send(late, exchange.listener, exchange.source);
    }
    return;
  }
  Message sent = response;
  env_.send(sent, exchange.listener, exchange.source);
  exchange.last_response = sent.to_string();
  perform_server(exchange, actions, false);
  if (status < 200) return;
  stop_timer(exchange, kServerSlot, Timer::kTrying);
  // Nothing is made of the request after its final answer; a 2xx to an INVITE is not replayed either (RFC
  // 6026).
  exchange.request = {};
  exchange.best_response = {};
  if (exchange.setup) exchange.setup->prepared = {};
  if (exchange.method == Method::kInvite && status < 300) std::string().swap(exchange.last_response);
}

void Forwarder::replay(const std::string& text, std::size_t listener, const Hop& to) {
  if (text.empty()) return;
  Message message = Message::verbatim(text);
  ProxyStats::count(env_.stats.retransmissions_sent);
  env_.send(message, listener, to);
}

void Forwarder::perform_server(Exchange& exchange, const Actions& actions, bool again) {
  for (const Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::kTransmit:
        if (again) replay(exchange.last_response, exchange.listener, exchange.source);
        break;
      case Action::Kind::kStartTimer:
        start_timer(exchange, kServerSlot, action.timer, action.after);
        break;
      case Action::Kind::kStopTimer:
        stop_timer(exchange, kServerSlot, action.timer);
        break;
      default:
        break;
    }
  }
}

bool Forwarder::perform_client(Exchange& exchange, Branch& branch, const Actions& actions,
                               const Message& response, bool again) {
  const std::uint8_t slot = exchange.slot_of(branch);
  bool sent = true;
  for (const Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::kTransmit:
        if (again) ProxyStats::count(env_.stats.retransmissions_sent);
        sent = env_.send(branch.request, branch.listener, branch.hop);
        break;
      case Action::Kind::kAcknowledge:
        if (branch.ack.empty()) {
          Message ack = make_ack(branch.request, response);
          env_.send(ack, branch.listener, branch.hop);
          branch.ack = ack.to_string();
        } else {
          replay(branch.ack, branch.listener, branch.hop);
        }
        break;
      case Action::Kind::kStartTimer:
        start_timer(exchange, slot, action.timer, action.after);
        break;
      case Action::Kind::kStopTimer:
        stop_timer(exchange, slot, action.timer);
        break;
      case Action::Kind::kDeliver:
        if (exchange.method == Method::kInvite) {
          on_invite_response(exchange, branch, response);
        } else {
          on_other_response(exchange, response);
        }
        break;
      case Action::Kind::kTimeout:
      case Action::Kind::kTransportFailure: {
        const int status = action.kind == Action::Kind::kTimeout ? 408 : 503;
        if (exchange.method == Method::kInvite) {
          branch_failed(exchange, branch, status, {});
        } else {
          exchange.best_status = status;
          request_unanswered(exchange);
        }
        break;
      }
      case Action::Kind::kTerminate:
        break;
    }
  }
  if (!branch.is_pending() && !branch.cancel) branch.request = {};
  if (sent) return true;
  const Actions failure =
      std::visit([](auto& machine) { return machine.transport_error(); }, branch.transaction);
  perform_client(exchange, branch, failure, {}, false);
  return false;
}

void Forwarder::perform_cancel(Exchange& exchange, Branch& branch, const Actions& actions) {
  const std::uint8_t slot = exchange.cancel_slot_of(branch);
  bool sent = true;
  for (const Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::kTransmit:
        sent = env_.send(branch.cancel_request, branch.listener, branch.hop);
        break;
      case Action::Kind::kStartTimer:
        start_timer(exchange, slot, action.timer, action.after);
        break;
      case Action::Kind::kStopTimer:
        stop_timer(exchange, slot, action.timer);
        break;
      default:
        break;  // the INVITE's own answer decides, not the CANCEL's
    }
  }
  if (!sent) perform_cancel(exchange, branch, branch.cancel->transport_error());
}

void Forwarder::retransmitted(Exchange& exchange) {
  ProxyStats::count(env_.stats.retransmissions_absorbed);
  InviteServerTransaction* invite = exchange.invite_server();
  const Actions actions = invite != nullptr
                              ? invite->receive_invite()
                              : std::get<NonInviteServerTransaction>(exchange.server).receive_request();
  if (!actions.has(Action::Kind::kTransmit)) return;
  // A sender that waits for an answer asks again after 500 ms at the earliest; a storm gets one now and then.
  if (env_.now.steady - exchange.last_replay < kLeastReplayInterval) return;
  exchange.last_replay = env_.now.steady;
  perform_server(exchange, actions, true);
}

bool Forwarder::acknowledged(Exchange& exchange) {
  InviteServerTransaction* invite = exchange.invite_server();
  if (invite == nullptr) return false;
  const Actions actions = invite->receive_ack();
  if (actions.has(Action::Kind::kDeliver)) return false;
  perform_server(exchange, actions, false);
  sweep(exchange);
  return true;
}

void Forwarder::start_timer(Exchange& exchange, std::uint8_t slot, Timer timer, Milliseconds after) {
  stop_timer(exchange, slot, timer);
  const auto what = (std::uint32_t{slot} << 8) | static_cast<std::uint32_t>(timer);
  const SteadyTime at = env_.now.steady + after;
  const TimerQueue::Event event{exchange.id, what};
  const TimerQueue::Id id = is_tidy(timer) ? env_.timers.start_tidy(at, event) : env_.timers.start(at, event);
  exchange.timers.push_back({slot, timer, id});
}

void Forwarder::stop_timer(Exchange& exchange, std::uint8_t slot, Timer timer) {
  const auto found = std::find_if(exchange.timers.begin(), exchange.timers.end(), [&](const auto& running) {
    return running.slot == slot && running.timer == timer;
  });
  if (found == exchange.timers.end()) return;
  env_.timers.stop(found->id);
  *found = exchange.timers.back();
  exchange.timers.pop_back();
}

void Forwarder::on_timer(std::uint64_t owner, std::uint32_t what, TimerQueue::Id id) {
  Exchange* exchange = env_.exchanges.find(owner);
  if (exchange == nullptr) return;
  const auto slot = static_cast<std::uint8_t>(what >> 8);
  const auto timer = static_cast<Timer>(what & 0xff);
  std::erase_if(exchange->timers, [id](const auto& running) { return running.id == id; });

  if (timer == Timer::kTrying) {
    if (!exchange->is_answered()) respond(*exchange, make_response(exchange->request, 100, {}));
  } else if (slot == kServerSlot) {
    const Actions actions =
        std::visit([timer](auto& machine) { return machine.on_timer(timer); }, exchange->server);
    perform_server(*exchange, actions, true);
  } else if (Branch* branch = exchange->branch_of(slot)) {
    if (slot >= kFirstCancelSlot) {
      if (branch->cancel) perform_cancel(*exchange, *branch, branch->cancel->on_timer(timer));
    } else if (is_core_timer(timer)) {
      core_timer(*exchange, *branch, timer);
    } else {
      const Actions actions =
          std::visit([timer](auto& machine) { return machine.on_timer(timer); }, branch->transaction);
      perform_client(*exchange, *branch, actions, {}, true);
    }
  }
  sweep(*exchange);
}

void Forwarder::core_timer(Exchange& exchange, Branch& branch, Timer timer) {
  InviteClientTransaction* machine = branch.invite();
  if (machine == nullptr || !machine->is_pending()) return;
  switch (timer) {
    case Timer::kNoProvisional:
      // The transaction goes on: should the line wake up, it is told that nobody waits any more.
      branch.given_up = true;
      branch.cancel_wanted = true;
      branch_failed(exchange, branch, 408, {});
      break;
    case Timer::kRing:
      if (exchange.setup && exchange.setup->choice.next_after_ring_timeout) {
        branch.given_up = true;
        cancel_branch(exchange, branch);
        if (!exchange.cancelled && try_next_line(exchange)) break;
      }
      [[fallthrough]];
    case Timer::kC:
      exchange.ring_timed_out = true;
      cancel_branch(exchange, branch);
      break;
    case Timer::kCancelWait:
      if (machine->is_proceeding()) {
        perform_client(exchange, branch, machine->abandon(), {}, false);
      } else {
        branch.given_up = true;  // and cancelled as soon as it may be
      }
      branch_failed(exchange, branch, 408, {});
      break;
    default:
      break;
  }
}

void Forwarder::transport_failed(const Hop& hop) {
  for (const std::uint64_t id : env_.exchanges.unsettled()) {
    Exchange* exchange = env_.exchanges.find(id);
    if (exchange == nullptr) continue;
    // A failure may add the next attempt at the end; it is not to this hop or has just been sent.
    for (Branch& branch : exchange->branches) {
      if (branch.hop != hop || !branch.is_pending()) continue;
      const Actions actions =
          std::visit([](auto& machine) { return machine.transport_error(); }, branch.transaction);
      perform_client(*exchange, branch, actions, {}, false);
    }
    sweep(*exchange);
  }
}

void Forwarder::sweep(Exchange& exchange) {
  if (exchange.is_over()) {
    forget(exchange);
  } else {
    env_.exchanges.note_settled(exchange, env_.now.steady);
  }
  env_.update_gauges();
}

void Forwarder::forget(Exchange& exchange) {
  for (auto& running : exchange.timers) env_.timers.stop(running.id);
  env_.exchanges.erase(exchange.id);
}

bool Forwarder::make_room() {
  Exchange* settled = env_.exchanges.longest_settled();
  if (settled == nullptr || env_.now.steady - *settled->settled_at < kLeastWait) return false;
  ProxyStats::count(env_.stats.transactions_cut_short);
  forget(*settled);
  return true;
}

}  // namespace ringtrace::sip
