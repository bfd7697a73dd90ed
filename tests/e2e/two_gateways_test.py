"""Two gateways at once, behind one address, with one Redis and the same keys: a call that was set up through one is hung up
through the other, and its record ends once."""

import contextlib
import json
import re
import unittest

from sip_peer import Peer, header, uri
from stack import CALLER, Stack, kind, outcome, seconds, wait_until

CALLER_HOST, LINE_HOST, STRANGER_HOST = "127.0.0.1", "127.0.0.4", "127.0.0.77"
SHARED_HOST = "127.0.0.9"  # nobody's here: what stands before both gateways and gives either each message
CALLER_PARTY, LINE_PARTY = f"<sip:{CALLER}@{CALLER_HOST}>", f"<sip:line@{SHARED_HOST}>"


SECOND_POOL = """
[[pool]]
name = "second"
numbers = ["+12025550201-+12025550210"]
fallback = "+12025550200"
line_group = "office"
"""


class Gateway(Stack):
    """One of them, listening at `host`. The second is given the `first`, whose Redis and keys it shares; it lends numbers of
    its own, or `waits` for those of the first."""

    def __init__(self, host, line, first=None, waits=False):
        self.first = first or self
        self.host = host
        self.line = line
        self.waits = waits
        super().__init__(pools=SECOND_POOL if first and not waits else None)
        if first is None:
            for name in ("signing-key", "caller-key"):
                (self.directory / name).write_text(f"the {name} of the test\n")

    def _toml(self, *arguments):
        self.sip_port = self.first.sip_port
        text = super()._toml(*arguments).replace(f":127.0.0.1:{self.sip_port}", f":{self.host}:{self.sip_port}")
        text = re.sub(r"address = .*", f'address = "udp:{LINE_HOST}:{self.line.port}"', text)
        text = text.replace("[sip]\n", f'[sip]\nadvertise = "{SHARED_HOST}"\n'
                            f'signing_key_file = "{self.first.directory}/signing-key"\n')
        text = text.replace('name = "test"', f'name = "at-{self.host.replace(".", "-")}"')
        return text + f'[events]\ncaller_key_file = "{self.first.directory}/caller-key"\n'

    @property
    def redis_socket(self):
        return self.first.directory / "redis.sock"

    @property
    def address(self):
        return self.host, self.sip_port

    def start_redis(self):
        if self.first is self:
            super().start_redis()

    def start_gateway(self, ready=True):
        if not self.waits:
            return super().start_gateway(ready)
        self.gateway = self.run("ringtraced", *self.gateway_command())
        wait_until("the pool is known to be another's", lambda: "is leased by" in self.http("readyz")[1])

    def told(self):
        """The events that are in the log now. Of an empty one ringtracectl waits for the first, and may give up."""
        done = self.ctl("--json", "calls", "--from", "oldest", check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]


def call_and_kind(event):
    return event["call"]["call_id"], kind(event)


class Pair:
    """Two gateways, a caller and a line; and the call they have."""

    def __init__(self, waits=False):
        self.waits = waits

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            self.line = opened.enter_context(Peer(LINE_HOST))
            self.caller = opened.enter_context(Peer(CALLER_HOST))
            self.first = opened.enter_context(Gateway("127.0.0.2", self.line).start())
            self.second = opened.enter_context(Gateway("127.0.0.3", self.line, self.first, self.waits).start())
            self.number = self.first.lease("visit-1")["number"]
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *exception):
        self.opened.__exit__(*exception)

    def talk(self, name, until_told=True):
        """A call set up through the first gateway; its id. `until_told`: until its answer is told."""
        self.sip_call_id = f"Call-ID: {name}"
        target = f"sip:{self.number}@{SHARED_HOST}"
        self.caller.request(self.first.address, "INVITE", target, f"From: {CALLER_PARTY};tag=caller", f"To: <{target}>",
                            self.sip_call_id, "CSeq: 1 INVITE", self.caller.contact)
        invite = self.line.receive("INVITE")
        self.line.answer(invite, 200, "line", self.line.contact)
        self.route = header(self.caller.receive("SIP/2.0 200"), "Record-Route")
        self.send_of_caller(self.caller, self.first, "ACK", 1)
        self.line.receive("ACK")
        call_id = header(invite, "X-Ringtrace-Call")
        if until_told:
            wait_until("the answer is told", lambda: (call_id, "ANSWERED") in map(call_and_kind, self.first.told()))
        return call_id

    def send_of_caller(self, sender, gateway, method, cseq, caller_tag="caller", line_tag="line"):
        """A request of the caller's side, whoever sends it."""
        sender.request(gateway.address, method, uri(self.line.contact), f"Route: {self.route}",
                       f"From: {CALLER_PARTY};tag={caller_tag}", f"To: {LINE_PARTY};tag={line_tag}", self.sip_call_id,
                       f"CSeq: {cseq} {method}")

    def send_of_line(self, gateway, method, cseq):
        self.line.request(gateway.address, method, uri(self.caller.contact), f"Route: {self.route}",
                          f"From: {LINE_PARTY};tag=line", f"To: {CALLER_PARTY};tag=caller", self.sip_call_id,
                          f"CSeq: {cseq} {method}")

    def pass_bye(self, asked, asking, status=200):
        """The BYE comes to the one side, whose answer comes to the other. The BYE, as it came."""
        bye = asked.receive("BYE")
        asked.answer(bye, status, "unused")
        asking.receive(f"SIP/2.0 {status}")
        return bye


class TwoGateways(unittest.TestCase):
    def check_ended_once(self, pair, call_id):
        """Whoever is asked tells the call with one end; it was answered, and by whom it was made stands there too."""
        wait_until("the call's end is told", lambda: (call_id, "ENDED") in map(call_and_kind, pair.first.told()))
        # What were told of this call later would stand before the next call's end.
        following = pair.talk("following")
        pair.send_of_caller(pair.caller, pair.first, "BYE", 2)
        pair.pass_bye(pair.line, pair.caller)
        wait_until("the next one's too", lambda: (following, "ENDED") in map(call_and_kind, pair.first.told()))
        events = pair.first.told()
        self.assertEqual([call_and_kind(event) for event in events],
                         [(call, event) for call in (call_id, following) for event in ("ANSWERED", "ENDED")])
        if not pair.waits:
            self.assertEqual(pair.second.told(), events)
        call = events[1]["call"]
        self.assertEqual(outcome(events[1]), "ANSWERED")
        self.assertEqual((call["dialed_number"], call["caller"], call["line"]), (pair.number, CALLER, "reception"))
        self.assertEqual(call["resolution"]["visit"]["visit_id"], "visit-1")
        self.assertGreaterEqual(seconds(call["talk_duration"]), 0)

    def test_the_caller_hangs_up_through_the_other_gateway(self):
        with Pair() as pair:
            call_id = pair.talk("one")
            pair.send_of_caller(pair.caller, pair.second, "BYE", 2)
            bye = pair.pass_bye(pair.line, pair.caller)
            self.assertEqual(pair.line.source[0], pair.second.host)
            self.assertEqual(header(bye, "Route"), "")
            wait_until("the end is told", lambda: "ENDED" in map(kind, pair.second.told()))
            self.assertEqual(pair.first.metric("ringtrace_calls_total", outcome="answered"), 0)
            self.assertEqual(pair.second.metric("ringtrace_calls_closed_unknown_total"), 1)
            # The first gateway, which has not heard of it, hears of it too, and tells no second end.
            pair.send_of_caller(pair.caller, pair.first, "BYE", 3)
            pair.pass_bye(pair.line, pair.caller)
            wait_until("the first one has told an end", lambda: pair.first.metric(
                "ringtrace_calls_total", outcome="answered") == 1)
            self.check_ended_once(pair, call_id)

    def test_the_caller_hangs_up_before_the_first_gateway_has_told_his_call(self):
        with Pair() as pair:
            call_id = pair.talk("one", until_told=False)
            pair.send_of_caller(pair.caller, pair.second, "BYE", 2)
            pair.pass_bye(pair.line, pair.caller)
            self.check_ended_once(pair, call_id)

    def test_the_caller_hangs_up_through_a_gateway_that_waits_for_the_pools(self):
        with Pair(waits=True) as pair:
            call_id = pair.talk("one")
            pair.send_of_caller(pair.caller, pair.second, "BYE", 2)
            pair.pass_bye(pair.line, pair.caller)
            self.assertEqual(pair.line.source[0], pair.second.host)
            self.check_ended_once(pair, call_id)

    def test_the_line_hangs_up_through_the_other_gateway(self):
        with Pair() as pair:
            call_id = pair.talk("two")
            pair.send_of_line(pair.second, "BYE", 1)
            pair.pass_bye(pair.caller, pair.line)
            self.assertEqual(pair.caller.source[0], pair.second.host)
            self.check_ended_once(pair, call_id)

    def test_a_bye_that_is_not_of_the_call_closes_nothing_through_the_other_gateway(self):
        with Pair() as pair, Peer(STRANGER_HOST) as stranger:
            call_id = pair.talk("three")
            # From an address that is no trunk's and no line's; all else is right.
            pair.send_of_caller(stranger, pair.second, "BYE", 2)
            wait_until("the stranger is counted", lambda: pair.second.metric(
                "ringtrace_sip_refusals_total", reason="unknown_source") == 1)
            self.assertTrue(stranger.has_nothing())
            # From the line, for the caller.
            pair.send_of_caller(pair.line, pair.second, "BYE", 3)
            pair.line.receive("SIP/2.0 481")
            # With another caller's tag: the Route is not signed for it.
            pair.send_of_caller(pair.caller, pair.second, "BYE", 4, caller_tag="other")
            pair.caller.receive("SIP/2.0 481")
            self.assertTrue(pair.line.has_nothing())
            # With another line's tag: the line alone can tell.
            pair.send_of_caller(pair.caller, pair.second, "BYE", 5, line_tag="other")
            pair.pass_bye(pair.line, pair.caller, 481)

            self.assertEqual(pair.second.metric("ringtrace_calls_closed_unknown_total"), 0)
            self.assertEqual([kind(event) for event in pair.first.told()], ["ANSWERED"])
            pair.send_of_caller(pair.caller, pair.second, "BYE", 6)
            pair.pass_bye(pair.line, pair.caller)
            self.check_ended_once(pair, call_id)


if __name__ == "__main__":
    unittest.main()
