"""Who calls and who forwarded the call: what is told of them to whom."""

import re
import unittest

from erase_test import keyspace
from sip_peer import Peer, header
from stack import CALLER, Stack, kind

HOST = "127.0.0.1"
ASSERTED, FORWARDER = "+12025550191", "+12025550192"


class Call:
    """A call with these headers in its INVITE, from the carrier to the line and back, hung up by the caller."""

    def __init__(self, stack, carrier, line, *headers, answer=()):
        gateway = (HOST, stack.sip_port)
        number = stack.lease("visit-1")["number"]
        party, target = f"From: <sip:{CALLER}@{HOST}>;tag=caller", f"sip:{number}@{HOST}:{stack.sip_port}"
        carrier.request(gateway, "INVITE", target, party, f"To: <{target}>", "Call-ID: one", "CSeq: 1 INVITE",
                        carrier.contact, *headers)
        self.invite = line.receive("INVITE")
        line.answer(self.invite, 200, "line", line.contact, *answer)
        self.answer = carrier.receive("SIP/2.0 200")
        for cseq, method in ((1, "ACK"), (2, "BYE")):
            carrier.request(gateway, method, f"sip:{HOST}:{line.port}", f"Route: {header(self.answer, 'Record-Route')}", party,
                            f"To: {header(self.answer, 'To')}", "Call-ID: one", f"CSeq: {cseq} {method}")
            request = line.receive(method)
        line.answer(request, 200, "line")
        carrier.receive("SIP/2.0 200")
        self.events = stack.events(2)


class Identity(unittest.TestCase):
    def test_a_line_that_is_not_trusted_does_not_learn_who_asks_for_privacy(self):
        headers = [f"P-Asserted-Identity: <sip:{ASSERTED}@{HOST}>", "Privacy: id"]
        answer = [f"P-Asserted-Identity: <sip:line@{HOST}>"]
        for trusted in ("true", "false"):
            with self.subTest(trusted=trusted), Stack(line=f"trusted = {trusted}").start() as stack, \
                    Peer(HOST) as carrier, Peer(HOST, stack.line_port) as line:
                call = Call(stack, carrier, line, *headers, answer=answer)
                told = trusted == "true"
                self.assertEqual(ASSERTED in call.invite, told)
                self.assertEqual("P-Asserted-Identity: <sip:line@" in call.answer, told)
                self.assertEqual(header(call.invite, "Privacy"), "id")
                self.assertEqual({event["call"]["caller"] for event in call.events}, {""})

    def test_a_trunk_that_is_not_trusted_does_not_say_who_calls(self):
        stack = Stack()
        trunk = 'addresses = ["127.0.0.1/32"]'
        stack.configuration.write_text(stack.configuration.read_text().replace(trunk, f"{trunk}\ntrusted = false"))
        with stack.start(), Peer(HOST) as carrier, Peer(HOST, stack.line_port) as line:
            call = Call(stack, carrier, line, f"P-Asserted-Identity: <sip:{ASSERTED}@{HOST}>")
            self.assertNotIn(ASSERTED, call.invite)
            self.assertEqual({event["call"]["caller"] for event in call.events}, {CALLER})

    def test_it_is_told_from_where_a_call_was_forwarded_until_that_is_erased(self):
        with Stack().start() as stack, Peer(HOST) as carrier, Peer(HOST, stack.line_port) as line:
            call = Call(stack, carrier, line, f"Diversion: <sip:{FORWARDER}@{HOST}>;reason=unconditional")
            self.assertEqual([kind(event) for event in call.events], ["ANSWERED", "ENDED"])
            self.assertEqual({event["call"]["forwarded_from"] for event in call.events}, {FORWARDER})
            call_id = call.events[0]["call"]["call_id"]
            self.assertRegex(stack.ctl("get-call", call_id).stdout, rf"forwarded from +{re.escape(FORWARDER)}")
            self.assertEqual(header(call.invite, "Diversion"), f"<sip:{FORWARDER}@{HOST}>;reason=unconditional")

            self.assertIn(FORWARDER, keyspace(stack))
            stack.ctl("erase", "--caller", FORWARDER)
            self.assertEqual({event["call"]["forwarded_from"] for event in stack.events(2)}, {""})
            self.assertNotIn(FORWARDER, keyspace(stack))


if __name__ == "__main__":
    unittest.main()
