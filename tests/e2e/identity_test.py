"""Who calls: what is told of him to whom."""

import unittest

from sip_peer import Peer, header
from stack import CALLER, Stack

HOST = "127.0.0.1"
ASSERTED = "+12025550191"


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


if __name__ == "__main__":
    unittest.main()
