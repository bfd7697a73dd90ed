#include "sip/exchange.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sip/branch.h"

namespace ringtrace::sip {

bool Branch::is_pending() const {
  return std::visit([](const auto& machine) { return machine.is_pending(); }, transaction);
}

bool Branch::is_over() const {
  const bool over = std::visit([](const auto& machine) { return machine.is_terminated(); }, transaction);
  return over && (!cancel || cancel->is_terminated());
}

bool Exchange::is_answered() const {
  return std::visit([](const auto& machine) { return machine.is_answered(); }, server);
}

bool Exchange::is_settled() const {
  const bool server_settled = std::visit([](const auto& machine) { return machine.is_settled(); }, server);
  return server_settled && std::none_of(branches.begin(), branches.end(), [](const Branch& branch) {
           return branch.is_pending() || (branch.cancel && branch.cancel->is_pending());
         });
}

bool Exchange::is_over() const {
  const bool server_over = std::visit([](const auto& machine) { return machine.is_terminated(); }, server);
  return server_over &&
         std::all_of(branches.begin(), branches.end(), [](const Branch& b) { return b.is_over(); });
}

std::uint8_t Exchange::slot_of(const Branch& branch) const {
  std::uint8_t slot = kServerSlot;
  for (const Branch& candidate : branches) {
    ++slot;
    if (&candidate == &branch) break;
  }
  return slot;
}

Branch* Exchange::branch_of(std::uint8_t slot) {
  const std::size_t index = slot >= kFirstCancelSlot ? slot - kFirstCancelSlot : slot - std::size_t{1};
  return slot == kServerSlot || index >= branches.size()
             ? nullptr
             : &*std::next(branches.begin(), static_cast<std::ptrdiff_t>(index));
}

std::uint8_t Exchange::cancel_slot_of(const Branch& branch) const {
  return static_cast<std::uint8_t>(kFirstCancelSlot + slot_of(branch) - 1);
}

std::string exchange_key(const Message& request, Method method) {
  const ViaView via = request.via(0);
  std::string key(via.branch);
  key.append("|").append(via.host).append(":").append(via.port).append("|");
  if (!has_magic_cookie(via.branch)) {
    // A sender of RFC 2543, whose branch alone names nothing. The To tag is left out: only the ACK has it.
    key.append(request.sip_call_id()).append("|").append(request.from_tag()).append("|");
    key.append(std::to_string(request.cseq())).append("|").append(request.request_uri_text()).append("|");
  }
  // Two requests with one branch are two transactions when their methods differ (section 17.2.3).
  if (method == Method::kInvite) {
    key += "INVITE";
  } else {
    key += request.method_name();
  }
  return key;
}

Exchange& ExchangeTable::add(std::unique_ptr<Exchange> exchange) {
  Exchange& added = *exchange;
  // The same key comes again only with an exchange of another id, whose request was not known for the same.
  by_key_.erase(added.key);
  by_key_.emplace(added.key, &added);
  added.place = unsettled_.insert(unsettled_.end(), added.id);
  by_id_[added.id] = std::move(exchange);
  return added;
}

Exchange* ExchangeTable::find(std::uint64_t id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

Exchange* ExchangeTable::find(std::string_view key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

void ExchangeTable::erase(std::uint64_t id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const auto key = by_key_.find(found->second->key);
  if (key != by_key_.end() && key->second == found->second.get()) by_key_.erase(key);
  (found->second->settled_at ? settled_ : unsettled_).erase(found->second->place);
  by_id_.erase(found);
}

void ExchangeTable::note_settled(Exchange& exchange, SteadyTime now) {
  if (exchange.settled_at || !exchange.is_settled()) return;
  exchange.settled_at = now;
  exchange.setup.reset();
  exchange.in_dialog.reset();
  exchange.timers.shrink_to_fit();
  settled_.splice(settled_.end(), unsettled_, exchange.place);
}

Exchange* ExchangeTable::longest_settled() { return settled_.empty() ? nullptr : find(settled_.front()); }

bool ExchangeTable::has_unanswered() const {
  return std::any_of(unsettled_.begin(), unsettled_.end(),
                     [this](std::uint64_t id) { return !by_id_.at(id)->is_answered(); });
}

}  // namespace ringtrace::sip
