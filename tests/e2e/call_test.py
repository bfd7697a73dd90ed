"""A real call to a leased number comes out as attributed events."""

import unittest

from stack import CALLER, FALLBACK, Stack, kind, method, outcome, seconds, wait_until


class Call(unittest.TestCase):
    def test_a_call_to_a_leased_number_is_attributed(self):
        with Stack().start() as stack:
            stack.line(ring_ms=1000)
            lease = stack.lease("visit-1", utm_source="google", utm_medium="cpc", utm_campaign="spring")
            self.assertTrue(lease["durable"])

            stack.call(lease["number"], talk_ms=2000)

            events = stack.events(3)
            self.assertEqual([kind(event) for event in events], ["RINGING", "ANSWERED", "ENDED"])
            self.assertEqual(len({event["call"]["call_id"] for event in events}), 1)
            self.assertEqual(len({event["event_id"] for event in events}), 3)
            for event in events:
                self.assertEqual(event["call"]["caller"], CALLER)
                self.assertEqual(event["call"]["dialed_number"], lease["number"])
                self.assertEqual(method(event), "ACTIVE_LEASE")
                visit = event["call"]["resolution"]["visit"]
                self.assertEqual(visit["visit_id"], "visit-1")
                self.assertEqual(visit["attributes"]["utm_source"], "google")
            ended = events[-1]["call"]
            self.assertEqual(outcome(events[-1]), "ANSWERED")
            # The line rang for a second and the caller talked for two, by SIPp's clock, which it reads once a turn: its
            # pauses may come out shorter by one, and the machine may make them longer. The half of them is certain.
            self.assertGreater(seconds(ended["ring_duration"]), 0.5)
            self.assertGreater(seconds(ended["talk_duration"]), 1.0)

            messages = stack.line_messages()
            self.assertIn("X-Ringtrace-Visit: visit-1", messages)
            self.assertIn(f"X-Ringtrace-Call: {ended['call_id']}", messages)
            self.assertIn("X-Ringtrace-Source: google/cpc", messages)

    def test_a_call_over_tcp_is_attributed(self):
        with Stack().start() as stack:
            stack.line()
            number = stack.lease("visit-1")["number"]
            stack.call(number, arguments=("-t", "t1"))
            self.assertEqual(outcome(stack.events(3)[-1]), "ANSWERED")

    def test_calls_to_numbers_nobody_holds_reach_the_line(self):
        with Stack(numbers="+12025550101").start() as stack:
            stack.line()
            # A pool number that was never lent; a number of no pool.
            stack.call("+12025550101", name="unleased")
            stack.call("+12025550177", name="foreign")
            # The pool's only number is lent; the next visit is shown the fallback number.
            self.assertEqual(stack.lease("visit-1")["number"], "+12025550101")
            shown = stack.lease("visit-2")
            self.assertEqual((shown["kind"], shown["number"]), ("NUMBER_KIND_FALLBACK", FALLBACK))
            stack.call(FALLBACK, name="exhausted")

            ended = [event for event in stack.events(9) if kind(event) == "ENDED"]
            self.assertEqual([outcome(event) for event in ended], ["ANSWERED"] * 3)
            self.assertEqual([method(event) for event in ended], ["NONE", "NONE", "FALLBACK"])
            self.assertEqual([event["call"]["resolution"].get("pool", "") for event in ended],
                             ["pools/main", "", "pools/main"])
            self.assertEqual(stack.metric("ringtrace_leases_total", pool="main", result="fallback"), 1)

    def test_calls_that_nobody_answers_end_with_their_outcome(self):
        with Stack(extra="").start() as stack:
            number = stack.lease("visit-1")["number"]
            for scenario, caller, expected in [
                ("line_busy.xml", "caller_refused.xml", "BUSY"),
                ("line_unavailable.xml", "caller_refused.xml", "FAILED"),
                ("line_no_answer.xml", "caller_refused.xml", "NO_ANSWER"),
                ("line_rings.xml", "caller_cancels.xml", "CANCELLED"),
            ]:
                with self.subTest(expected):
                    line = stack.line(scenario, name=f"line-{expected}")
                    stack.call(number, caller, name=f"caller-{expected}")
                    wait_until(f"the call counted as {expected}", lambda: stack.metric(
                        "ringtrace_calls_total", outcome=expected.lower()) == 1)
                    line.stop()
            ended = [event for event in stack.ctl_json("calls", "--from", "oldest") if kind(event) == "ENDED"]
            self.assertEqual([outcome(event) for event in ended], ["BUSY", "FAILED", "NO_ANSWER", "CANCELLED"])
            self.assertEqual([method(event) for event in ended], ["ACTIVE_LEASE"] * 4)


if __name__ == "__main__":
    unittest.main()
