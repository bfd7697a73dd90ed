"""A call whose gateway is killed, at each instant of the call: it goes on, or fails as RFC 3261 lets it, and its record
ends once."""

import unittest

from stack import CALLER, Stack, kind, outcome, seconds, wait_until


class KilledCall(unittest.TestCase):
    def outlive(self, stack, line, caller):
        """The gateway is killed; the call goes on to its end."""
        self.kill(stack)
        caller.wait()
        line.stop()

    def kill(self, stack):
        stack.gateway.kill()
        stack.start_gateway()

    def ended(self, stack, caller, expected, count):
        """The events of the call whose gateway was killed; nothing more comes after its end."""
        self.assertEqual(caller.wait(), 0, caller.output()[-2000:])
        events = stack.events(count)
        self.assertEqual([kind(event) for event in events], expected)
        self.assertEqual(len({event["call"]["call_id"] for event in events}), 1)
        # A second call's events come right after.
        with self.subTest("the next call"):
            stack.line(name="next-line")
            stack.call(stack.lease("next")["number"], name="next-caller")
            following = stack.events(count + 3)[count:]
            self.assertEqual([kind(event) for event in following], ["RINGING", "ANSWERED", "ENDED"])
            self.assertNotIn(events[0]["call"]["call_id"], {event["call"]["call_id"] for event in following})
        return events

    def has_the_call(self, stack, name="line"):
        path = stack.directory / f"{name}.messages"
        return path.exists() and "INVITE sip:" in path.read_text(errors="replace")

    def check_call(self, event, number):
        call = event["call"]
        self.assertEqual(call["dialed_number"], number)
        self.assertEqual(call["caller"], CALLER)
        self.assertEqual(call["trunk"], "carrier")
        self.assertEqual(call["line"], "reception")
        self.assertEqual(call["resolution"]["visit"]["visit_id"], "visit-1")

    def begin(self, stack, line, scenario="caller.xml", ms=1500, talk_ms=100):
        line = stack.line(line, ring_ms=ms)
        number = stack.lease("visit-1")["number"]
        caller = stack.caller(number, scenario, talk_ms=talk_ms)
        wait_until("the line has the call", lambda: self.has_the_call(stack))
        return line, number, caller

    def test_before_ringing_and_then_answered(self):
        with Stack().start() as stack:
            # Its one 180 must find the new process there.
            line, number, caller = self.begin(stack, "line_late.xml", ms=8000)
            self.outlive(stack, line, caller)
            events = self.ended(stack, caller, ["RINGING", "ANSWERED", "ENDED"], 3)
            for event in events:
                self.check_call(event, number)
            self.assertEqual(outcome(events[-1]), "ANSWERED")
            self.assertGreater(seconds(events[-1]["call"]["ring_duration"]), 8)

    def test_before_ringing_and_then_busy(self):
        with Stack().start() as stack:
            line, number, caller = self.begin(stack, "line_busy_late.xml", "caller_refused.xml")
            self.kill(stack)
            caller.wait()
            # The line's answer was acknowledged by the new process: it repeats nothing.
            wait_until("the line has the ACK", lambda: "\nACK sip:" in stack.line_messages())
            line.stop()
            events = self.ended(stack, caller, ["ENDED"], 1)
            self.check_call(events[0], number)
            self.assertEqual(outcome(events[0]), "BUSY")
            self.assertEqual(events[0]["call"]["sip_status"], 486)

    def test_while_ringing_and_then_answered(self):
        with Stack().start() as stack:
            line, number, caller = self.begin(stack, "line.xml", ms=3000, talk_ms=1000)
            self.assertEqual(kind(stack.events(1)[0]), "RINGING")
            self.outlive(stack, line, caller)
            events = self.ended(stack, caller, ["RINGING", "ANSWERED", "ENDED"], 3)
            self.check_call(events[-1], number)
            self.assertEqual(outcome(events[-1]), "ANSWERED")
            self.assertGreaterEqual(seconds(events[-1]["call"]["ring_duration"]), 2.9)
            self.assertGreaterEqual(seconds(events[-1]["call"]["talk_duration"]), 0.9)

    def test_while_ringing_and_then_busy(self):
        with Stack().start() as stack:
            line, number, caller = self.begin(stack, "line_declines.xml", "caller_refused.xml", ms=3000)
            self.assertEqual(kind(stack.events(1)[0]), "RINGING")
            self.outlive(stack, line, caller)
            events = self.ended(stack, caller, ["RINGING", "ENDED"], 2)
            self.check_call(events[-1], number)
            self.assertEqual(outcome(events[-1]), "BUSY")

    def test_after_the_answer_and_before_its_ack(self):
        with Stack().start() as stack:
            line, number, caller = self.begin(stack, "line.xml", "caller_slow_ack.xml", ms=200, talk_ms=3000)
            self.assertEqual(kind(stack.events(2)[1]), "ANSWERED")
            self.outlive(stack, line, caller)
            events = self.ended(stack, caller, ["RINGING", "ANSWERED", "ENDED"], 3)
            self.check_call(events[-1], number)
            self.assertEqual(outcome(events[-1]), "ANSWERED")
            # The line repeated its 200 to the new process; the first one counts.
            self.assertGreaterEqual(seconds(events[-1]["call"]["talk_duration"]), 2.9)

    def test_while_talking(self):
        with Stack().start() as stack:
            line, number, caller = self.begin(stack, "line.xml", ms=100, talk_ms=3000)
            self.assertEqual(kind(stack.events(2)[1]), "ANSWERED")
            self.outlive(stack, line, caller)
            events = self.ended(stack, caller, ["RINGING", "ANSWERED", "ENDED"], 3)
            self.check_call(events[-1], number)
            self.assertEqual(outcome(events[-1]), "ANSWERED")
            self.assertGreaterEqual(seconds(events[-1]["call"]["talk_duration"]), 2.9)


if __name__ == "__main__":
    unittest.main()
