// What answers do: RFC 3261 sections 16.7 to 16.10.

#include <algorithm>

#include "sip/branch.h"
#include "sip/forwarder.h"
#include "sip/session_timer.h"

namespace ringtrace::sip {
namespace {

// The next line may do better (never on 486 or 603: someone has decided).
bool may_try_next(int status) {
  switch (status) {
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

// RFC 3261 16.7 step 6: a 6xx wins, else the lowest class; within a class the first.
bool is_better(int status, int than) {
  if (than == 0) return true;
  const auto rank = [](int code) { return code >= 600 ? 0 : code / 100; };
  return rank(status) < rank(than);
}

}  // namespace

bool Forwarder::response(Exchange& exchange, const Message& response) {
  const std::string_view via_branch = response.via(0).branch;
  const auto found = std::find_if(exchange.branches.begin(), exchange.branches.end(),
                                  [&](const Branch& branch) { return branch.via_branch == via_branch; });
  if (found == exchange.branches.end()) return false;
  Branch& branch = *found;
  const int status = response.status();
  if (response.method() == Method::kCancel) {
    if (!branch.cancel) return false;
    perform_cancel(exchange, branch, branch.cancel->receive(status));
  } else if ((response.method() == Method::kInvite) != (exchange.method == Method::kInvite)) {
    return false;
  } else {
    Message passed = response.clone();
    passed.pop_via();
    filter_identity(passed, branch.trust.reversed());
    const Actions actions =
        std::visit([status](auto& machine) { return machine.receive(status); }, branch.transaction);
    if (actions.empty() && exchange.method == Method::kInvite && status >= 200 && status < 300) {
      // An attempt given up as lost has been answered after all. The caller must know of it, and end it.
      respond(exchange, passed);
    }
    perform_client(exchange, branch, actions, passed, false);
  }
  sweep(exchange);
  return true;
}

void Forwarder::on_invite_response(Exchange& exchange, Branch& branch, const Message& response) {
  const int status = response.status();
  stop_timer(exchange, exchange.slot_of(branch), Timer::kNoProvisional);
  if (status < 200) {
    on_provisional(exchange, branch, response);
  } else if (status < 300) {
    on_success(exchange, branch, response);
  } else {
    branch_failed(exchange, branch, status, response);
  }
}

void Forwarder::on_provisional(Exchange& exchange, Branch& branch, const Message& response) {
  const int status = response.status();
  if (branch.cancel_wanted) send_cancel(exchange, branch);
  if (status == 100) return;
  start_timer(exchange, exchange.slot_of(branch), Timer::kC, exchange.routing->times().timer_c);
  if (branch.given_up || exchange.is_answered()) return;
  if (exchange.setup && (status == 180 || status == 183) && !branch.ringing) {
    branch.ringing = true;
    env_.calls.ringing(exchange.setup->call, env_.now);
    start_timer(exchange, exchange.slot_of(branch), Timer::kRing, exchange.setup->choice.ring_timeout);
  }
  respond(exchange, response);
}

void Forwarder::on_success(Exchange& exchange, Branch& branch, const Message& response) {
  const std::uint8_t slot = exchange.slot_of(branch);
  for (const Timer timer : {Timer::kC, Timer::kRing, Timer::kCancelWait}) stop_timer(exchange, slot, timer);
  Message passed = response;
  if (exchange.setup) {
    const auto interval = exchange.routing->times().session_expires;
    if (interval.count() > 0 && exchange.request) have_sender_refresh(passed, exchange.request, interval);
    env_.calls.answered(exchange.setup->call, response.to_tag(), response.status(), env_.now);
    env_.calls.refreshed(exchange.setup->call, exchange.setup->caller_tag, response.to_tag(),
                         session_interval(passed), env_.now);
  } else {
    note_refresh(exchange, passed);
  }
  respond(exchange, passed);
  exchange.accepted = true;
  for (Branch& other : exchange.branches) {
    if (&other != &branch) cancel_branch(exchange, other);
  }
  // Later 2xx of other forks only pass through; nothing is made of the INVITE any more.
  branch.request = {};
  branch.cancel_wanted = false;
  if (exchange.setup) std::vector<Line>().swap(exchange.setup->choice.lines);
}

void Forwarder::branch_failed(Exchange& exchange, Branch& branch, int status, const Message& response) {
  const std::uint8_t slot = exchange.slot_of(branch);
  for (const Timer timer : {Timer::kC, Timer::kRing, Timer::kCancelWait, Timer::kNoProvisional}) {
    stop_timer(exchange, slot, timer);
  }
  if (exchange.is_answered()) return;
  if (is_better(status, exchange.best_status) ||
      (status == exchange.best_status && !exchange.best_response)) {
    exchange.best_status = status;
    exchange.best_response = response;
  }
  // Another line is being tried already; its answer decides.
  const bool pending = std::any_of(
      exchange.branches.begin(), exchange.branches.end(),
      [&](const Branch& other) { return &other != &branch && other.is_pending() && !other.given_up; });
  if (pending) return;
  const bool may_go_on = exchange.setup && !exchange.cancelled && !branch.ringing && !exchange.ring_timed_out;
  if (may_go_on && may_try_next(status) && try_next_line(exchange)) return;
  give_final(exchange);
}

void Forwarder::give_final(Exchange& exchange) {
  if (exchange.is_answered()) return;
  int status = exchange.best_status == 0 ? 503 : exchange.best_status;
  Message response = exchange.best_response;
  if (exchange.ring_timed_out) {
    status = 480;
    response = {};
  } else if (exchange.cancelled && !response) {
    status = 487;
  } else if (status == 503) {
    // 16.7 step 6: a line's 503 does not mean that the proxy itself is overloaded.
    status = 500;
    response = {};
  }
  if (!response) {
    response = make_response(exchange.request, status, env_.local_tag(exchange.request));
  }
  if (exchange.setup) {
    const auto outcome = exchange.cancelled        ? v1::CALL_OUTCOME_CANCELLED
                         : exchange.ring_timed_out ? v1::CALL_OUTCOME_NO_ANSWER
                                                   : outcome_of_failure(status);
    env_.calls.failed(exchange.setup->call, outcome, status, env_.now);
  }
  respond(exchange, response);
}

void Forwarder::on_other_response(Exchange& exchange, const Message& response) {
  const int status = response.status();
  if (status < 200) return;  // RFC 4320 section 4.1: no other than our own 100 goes upstream, at its time
  Message passed = response;
  if (response.method_name() == "UPDATE" && status < 300) note_refresh(exchange, passed);
  if (exchange.method == Method::kBye && (status < 300 || status == 481 || status == 408)) {
    dialog_over(exchange, status);
  }
  if (status == 408) {
    // RFC 4320 section 4.2: too late to be of use upstream, and harmful.
    perform_server(exchange, std::get<NonInviteServerTransaction>(exchange.server).abandon(), false);
  } else {
    respond(exchange, passed);
  }
}

// A request other than an INVITE got no answer, or could not be sent.
void Forwarder::request_unanswered(Exchange& exchange) {
  if (exchange.method == Method::kInvite) {
    give_final(exchange);
    return;
  }
  if (exchange.method == Method::kBye) dialog_over(exchange, exchange.best_status);
  if (exchange.is_answered()) return;
  if (exchange.best_status == 503) {
    respond(exchange, make_response(exchange.request, 500, env_.local_tag(exchange.request)));
  } else {
    perform_server(exchange, std::get<NonInviteServerTransaction>(exchange.server).abandon(), false);
  }
}

void Forwarder::dialog_over(Exchange& exchange, int status) {
  if (!exchange.in_dialog) return;
  const auto id = CallId::parse(exchange.in_dialog->ticket.ticket.call_id);
  if (!id) return;
  // 481 says that the tags belong to no dialog; only who has seen the call begin knows whether they are
  // right.
  if (status == 481 && !env_.calls.knows(*id)) return;
  // The call ended when one side hung up, not when the other said so.
  const DialogPart& dialog = *exchange.in_dialog;
  env_.calls.hung_up(*id, dialog.call_id, dialog.caller_tag, dialog.line_tag, exchange.received);
}

// A re-INVITE or UPDATE was accepted: the call lives, until its session expires again.
void Forwarder::note_refresh(const Exchange& exchange, Message& response) {
  if (!exchange.in_dialog) return;
  // Who refreshes a session with a side that knows no timers would take its answer for the timer's end.
  const auto asked = exchange.request ? session_interval(exchange.request) : std::nullopt;
  if (asked && exchange.routing->times().session_expires.count() > 0)
    have_sender_refresh(response, exchange.request, *asked);
  const DialogPart& dialog = *exchange.in_dialog;
  const auto id = CallId::parse(dialog.ticket.ticket.call_id);
  if (!id) return;
  env_.calls.refreshed(*id, dialog.caller_tag, dialog.line_tag, session_interval(response), env_.now);
}

void Forwarder::cancel(Exchange& exchange) {
  if (exchange.method != Method::kInvite || exchange.is_answered()) return;
  exchange.cancelled = true;
  bool waiting = false;
  for (Branch& branch : exchange.branches) {
    if (!branch.is_pending() || branch.given_up) continue;
    waiting = true;
    cancel_branch(exchange, branch);
  }
  if (!waiting) give_final(exchange);
  sweep(exchange);
}

void Forwarder::cancel_branch(Exchange& exchange, Branch& branch) {
  InviteClientTransaction* machine = branch.invite();
  if (machine == nullptr || !machine->is_pending() || branch.cancel) return;
  branch.cancel_wanted = true;
  if (machine->is_proceeding()) {
    send_cancel(exchange, branch);
  } else {
    // RFC 3261 section 9.1: not before a provisional answer. A line that stays silent shall not keep the
    // caller.
    start_timer(exchange, exchange.slot_of(branch), Timer::kCancelWait,
                exchange.routing->times().no_provisional);
  }
}

void Forwarder::send_cancel(Exchange& exchange, Branch& branch) {
  branch.cancel_wanted = false;
  if (branch.cancel || !branch.request) return;
  branch.cancel_request = make_cancel(branch.request);
  branch.cancel.emplace(branch.hop.transport, env_.times);
  start_timer(exchange, exchange.slot_of(branch), Timer::kCancelWait, env_.times.t1x64());
  perform_cancel(exchange, branch, branch.cancel->start());
}

}  // namespace ringtrace::sip
