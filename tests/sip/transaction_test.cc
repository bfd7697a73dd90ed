#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sip/invite_client_transaction.h"
#include "sip/invite_server_transaction.h"
#include "sip/non_invite_client_transaction.h"
#include "sip/non_invite_server_transaction.h"

namespace ringtrace::sip {
namespace {

// One row of a table: what happens, and all that is asked for then.
template <typename Machine>
struct Row {
  std::string event;
  std::function<Actions(Machine&)> apply;
  std::string expected;
};

template <typename Machine>
void walk(Transport transport, const std::vector<Row<Machine>>& rows) {
  Machine machine(transport, TransactionTimes{});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO("row " << i << ": " << rows[i].event);
    CHECK(describe(rows[i].apply(machine)) == rows[i].expected);
  }
}

template <typename Machine>
Row<Machine> fires(Timer timer, const std::string& expected) {
  return {"timer " + std::string(timer_name(timer)), [timer](Machine& m) { return m.on_timer(timer); },
          expected};
}

using Ist = InviteServerTransaction;
using Nist = NonInviteServerTransaction;
using Ict = InviteClientTransaction;
using Nict = NonInviteClientTransaction;

Row<Ist> invite_again(const std::string& e) {
  return {"INVITE again", [](Ist& m) { return m.receive_invite(); }, e};
}
Row<Ist> ack(const std::string& e) {
  return {"ACK", [](Ist& m) { return m.receive_ack(); }, e};
}
Row<Ist> answer(int status, const std::string& e) {
  return {"respond " + std::to_string(status), [status](Ist& m) { return m.respond(status); }, e};
}
Row<Nist> request_again(const std::string& e) {
  return {"request again", [](Nist& m) { return m.receive_request(); }, e};
}
Row<Nist> answer_other(int status, const std::string& e) {
  return {"respond " + std::to_string(status), [status](Nist& m) { return m.respond(status); }, e};
}
template <typename Machine>
Row<Machine> begins(const std::string& e) {
  return {"start", [](Machine& m) { return m.start(); }, e};
}
template <typename Machine>
Row<Machine> receives(int status, const std::string& e) {
  return {"receive " + std::to_string(status), [status](Machine& m) { return m.receive(status); }, e};
}
template <typename Machine>
Row<Machine> transport_fails(const std::string& e) {
  return {"transport error", [](Machine& m) { return m.transport_error(); }, e};
}

}  // namespace

TEST_CASE("an INVITE server transaction replays its last provisional and failure answers") {
  walk<Ist>(Transport::kUdp,
            {invite_again(""), answer(100, "transmit"), invite_again("transmit"), answer(180, "transmit"),
             ack(""), answer(486, "transmit start-G(500) start-H(32000)"), answer(180, ""), answer(200, ""),
             invite_again("transmit"), fires<Ist>(Timer::kG, "transmit start-G(1000)"),
             fires<Ist>(Timer::kG, "transmit start-G(2000)"), fires<Ist>(Timer::kG, "transmit start-G(4000)"),
             fires<Ist>(Timer::kG, "transmit start-G(4000)"), ack("stop-G stop-H start-I(5000)"), ack(""),
             invite_again(""), fires<Ist>(Timer::kG, ""), fires<Ist>(Timer::kI, "terminate"),
             fires<Ist>(Timer::kI, "")});
}

TEST_CASE("an INVITE server transaction without an ACK ends by Timer H") {
  walk<Ist>(Transport::kUdp, {answer(503, "transmit start-G(500) start-H(32000)"),
                              fires<Ist>(Timer::kH, "stop-G timeout terminate"), ack("")});
}

TEST_CASE("an INVITE server transaction over TCP neither retransmits nor waits for ACKs") {
  walk<Ist>(Transport::kTcp, {answer(486, "transmit start-H(32000)"), ack("stop-G stop-H terminate")});
}

TEST_CASE("an accepted INVITE server transaction passes 2xx on and absorbs INVITEs for 64*T1 (RFC 6026)") {
  walk<Ist>(Transport::kUdp, {answer(180, "transmit"), answer(200, "transmit start-L(32000)"),
                              invite_again(""), answer(200, "transmit"), answer(486, ""), ack("deliver"),
                              fires<Ist>(Timer::kG, ""), fires<Ist>(Timer::kL, "terminate")});
}

TEST_CASE("a non-INVITE server transaction replays its answers and ends by Timer J") {
  walk<Nist>(Transport::kUdp,
             {request_again(""), answer_other(183, "transmit"), request_again("transmit"),
              answer_other(200, "transmit start-J(32000)"), answer_other(500, ""), request_again("transmit"),
              fires<Nist>(Timer::kJ, "terminate"), request_again("")});
  walk<Nist>(Transport::kTcp, {answer_other(200, "transmit terminate")});
  walk<Nist>(Transport::kUdp,
             {{"abandon", [](Nist& m) { return m.abandon(); }, "terminate"}, answer_other(200, "")});
}

TEST_CASE("an INVITE client transaction retransmits at doubling intervals until Timer B") {
  walk<Ict>(Transport::kUdp,
            {begins<Ict>("transmit start-A(500) start-B(32000)"),
             fires<Ict>(Timer::kA, "transmit start-A(1000)"), fires<Ict>(Timer::kA, "transmit start-A(2000)"),
             fires<Ict>(Timer::kA, "transmit start-A(4000)"), fires<Ict>(Timer::kA, "transmit start-A(8000)"),
             fires<Ict>(Timer::kB, "stop-A timeout terminate"), receives<Ict>(200, "")});
  walk<Ict>(Transport::kTcp, {begins<Ict>("transmit start-B(32000)")});
}

TEST_CASE("an INVITE client transaction acknowledges a failure and each of its retransmissions") {
  walk<Ict>(Transport::kUdp,
            {begins<Ict>("transmit start-A(500) start-B(32000)"), receives<Ict>(100, "stop-A stop-B deliver"),
             fires<Ict>(Timer::kA, ""), fires<Ict>(Timer::kB, ""),
             receives<Ict>(486, "stop-A stop-B ack deliver start-D(32000)"), receives<Ict>(486, "ack"),
             receives<Ict>(200, ""), transport_fails<Ict>("stop-A stop-B stop-D terminate")});
  walk<Ict>(Transport::kTcp, {begins<Ict>("transmit start-B(32000)"),
                              receives<Ict>(404, "stop-A stop-B ack deliver terminate")});
}

TEST_CASE("an INVITE client transaction passes every 2xx on for 64*T1 (RFC 6026)") {
  walk<Ict>(Transport::kUdp,
            {begins<Ict>("transmit start-A(500) start-B(32000)"), receives<Ict>(180, "stop-A stop-B deliver"),
             receives<Ict>(200, "stop-A stop-B deliver start-M(32000)"), receives<Ict>(180, ""),
             receives<Ict>(200, "deliver"), receives<Ict>(486, ""), fires<Ict>(Timer::kM, "terminate")});
}

TEST_CASE("an INVITE client transaction reports a transport error while calling, and only then") {
  walk<Ict>(Transport::kUdp, {begins<Ict>("transmit start-A(500) start-B(32000)"),
                              transport_fails<Ict>("stop-A stop-B stop-D transport-failure terminate")});
  walk<Ict>(Transport::kUdp, {begins<Ict>("transmit start-A(500) start-B(32000)"),
                              receives<Ict>(180, "stop-A stop-B deliver"), transport_fails<Ict>("")});
}

TEST_CASE("a non-INVITE client transaction retransmits up to every T2 until Timer F") {
  walk<Nict>(
      Transport::kUdp,
      {begins<Nict>("transmit start-E(500) start-F(32000)"), fires<Nict>(Timer::kE, "transmit start-E(1000)"),
       fires<Nict>(Timer::kE, "transmit start-E(2000)"), fires<Nict>(Timer::kE, "transmit start-E(4000)"),
       fires<Nict>(Timer::kE, "transmit start-E(4000)"), fires<Nict>(Timer::kF, "stop-E timeout terminate"),
       receives<Nict>(200, "")});
}

TEST_CASE(
    "a non-INVITE client transaction slows down after a provisional answer and absorbs repeated finals") {
  walk<Nict>(Transport::kUdp,
             {begins<Nict>("transmit start-E(500) start-F(32000)"), receives<Nict>(183, "deliver"),
              fires<Nict>(Timer::kE, "transmit start-E(4000)"),
              receives<Nict>(200, "stop-E stop-F deliver start-K(5000)"), receives<Nict>(200, ""),
              fires<Nict>(Timer::kK, "terminate")});
  walk<Nict>(Transport::kTcp, {begins<Nict>("transmit start-F(32000)"),
                               receives<Nict>(200, "stop-E stop-F deliver terminate")});
  walk<Nict>(Transport::kUdp, {begins<Nict>("transmit start-E(500) start-F(32000)"),
                               transport_fails<Nict>("stop-E stop-F transport-failure terminate")});
}

}  // namespace ringtrace::sip
