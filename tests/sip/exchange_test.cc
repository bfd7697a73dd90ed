#include "sip/exchange.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {
namespace {

std::unique_ptr<Exchange> exchange(std::uint64_t id, const std::string& key) {
  auto made = std::make_unique<Exchange>(
      Exchange::Machine(NonInviteServerTransaction(Transport::kUdp, TransactionTimes{})));
  made->id = id;
  made->key = key;
  return made;
}

}  // namespace

TEST_CASE("an event that may concern any request under way is spared those that are over") {
  ExchangeTable table;
  Exchange& first = table.add(exchange(1, "first"));
  table.add(exchange(2, "second"));
  CHECK(table.unsettled() == std::vector<std::uint64_t>{1, 2});
  CHECK(table.longest_settled() == nullptr);

  std::get<NonInviteServerTransaction>(first.server).respond(200);
  table.note_settled(first, SteadyTime{});
  CHECK(table.unsettled() == std::vector<std::uint64_t>{2});
  CHECK(table.longest_settled() == &first);
  CHECK(table.has_unanswered());

  table.erase(2);
  CHECK(table.unsettled().empty());
  CHECK_FALSE(table.has_unanswered());
  table.erase(1);
  CHECK(table.longest_settled() == nullptr);
  CHECK(table.size() == 0);
}

TEST_CASE("of a request that is over nothing is kept but what answers it when it comes again") {
  ExchangeTable table;
  Exchange& call = table.add(exchange(1, "call"));
  call.setup = std::make_unique<CallSetup>();
  call.in_dialog = std::make_unique<DialogPart>();
  table.note_settled(call, SteadyTime{});
  CHECK(call.setup != nullptr);

  std::get<NonInviteServerTransaction>(call.server).respond(200);
  table.note_settled(call, SteadyTime{});
  CHECK(call.setup == nullptr);
  CHECK(call.in_dialog == nullptr);
  CHECK(table.find("call") == &call);
  table.erase(1);
  CHECK(table.find("call") == nullptr);
}

}  // namespace ringtrace::sip
