"""Redis is stopped under load, with calls going through: no call is refused, no event lost, every late attribution told.

    tests/run e2e --match store_away                              three seconds, ten calls a second
    RINGTRACE_AWAY_SECONDS=60 RINGTRACE_AWAY_RATE=50 tests/run e2e --match store_away
"""

import collections
import json
import os
import signal
import unittest

from stack import QUICKSTART_SCENARIOS, Stack, free_port, kind, method, outcome, wait_until

AWAY_SECONDS = float(os.environ.get("RINGTRACE_AWAY_SECONDS", "3"))
AWAY_RATE = int(os.environ.get("RINGTRACE_AWAY_RATE", "10"))
# How long calls come before Redis goes and after it is back.
AROUND_SECONDS = 2
# Visits that ask for a number meanwhile.
VISITS = 30

# One number whose former holders are more than memory keeps: a call to it needs the holder log.
POOLS = '''
[[pool]]
name = "main"
numbers = ["+12025550101-+12025550140"]
ttl = "30m"
hold = "150s"
fallback = "+12025550100"
[[pool]]
name = "busy"
numbers = ["+12025550141"]
ttl = "30m"
hold = "0s"
fallback = "+12025550142"
'''
BUSY = "+12025550141"
FORMER_HOLDERS = 9


class StoreAway(unittest.TestCase):
    def lend_to_many(self, stack):
        for i in range(FORMER_HOLDERS):
            self.assertEqual(stack.lease(f"busy-{i}", pool="busy")["number"], BUSY)
            stack.ctl("release", "--pool", "busy", "--visit", f"busy-{i}")

    def load(self, stack, numbers, rate, count):
        """So many calls at that rate, to the numbers in turn, each by somebody who has not called before."""
        callers = stack.directory / "callers.csv"
        lines = [f"{numbers[i % len(numbers)]};+1202557{i:05}" for i in range(count)]
        callers.write_text("\n".join(["SEQUENTIAL", *lines, ""]))
        scenario = stack.directory / "load.xml"
        scenario.write_text((QUICKSTART_SCENARIOS / "caller.xml").read_text()
                            .replace("[service]", "[field0]").replace("[caller]", "[field1]"))
        return stack.run("load", "sipp", "-sf", scenario, f"127.0.0.1:{stack.sip_port}", "-i", "127.0.0.1", "-p", free_port(),
                         "-inf", callers, "-d", 200, "-r", rate, "-m", count, "-l", rate * 120, "-nostdin")

    def call(self, stack, number):
        """A call by somebody who has not called before: one who has is known."""
        self.callers = getattr(self, "callers", 0) + 1
        stack.call(number, talk_ms=20, name=f"call-{self.callers}", caller=f"+1202556{self.callers:04}")

    def check_log(self, stack, calls):
        """Every call begins, is answered and ends, once and in this order, and its attribution is complete."""
        wait_until("every call asked about", lambda: stack.metric("ringtrace_late_attributions_waiting") == 0
                   and stack.metric("ringtrace_events_spool_bytes") == 0)
        events = stack.ctl_json("calls", "--from", "oldest")
        self.assertEqual(len({event["event_id"] for event in events}), len(events), "an event came twice")
        by_call = collections.defaultdict(list)
        for event in events:
            by_call[event["call"]["call_id"]].append(event)
        self.assertEqual(len(by_call), calls)
        updates_told = 0
        for told in by_call.values():
            steps = [kind(event) for event in told if kind(event) != "ATTRIBUTION_UPDATED"]
            self.assertEqual(steps, ["RINGING", "ANSWERED", "ENDED"])
            ended = next(event for event in told if kind(event) == "ENDED")
            self.assertEqual(outcome(ended), "ANSWERED")
            if ended["call"]["dialed_number"] == BUSY:
                updates = [event for event in told if kind(event) == "ATTRIBUTION_UPDATED"]
                self.assertEqual(len(updates), 1)
                updates_told += 1
                self.assertEqual(updates[0]["attribution_updated"]["revision"], 1)
                visits = {candidate["visit_id"] for candidate in updates[0]["call"]["resolution"]["candidates"]}
                self.assertEqual(visits, {f"busy-{i}" for i in range(FORMER_HOLDERS)})
            else:
                self.assertEqual(method(told[-1]), "ACTIVE_LEASE")
        for reason in ("no_room", "late", "closing_unknown"):
            self.assertEqual(stack.metric("ringtrace_events_dropped_total", reason=reason), 0, reason)
        self.assertEqual(stack.metric("ringtrace_late_attributions_total", result="dropped"), 0)
        return len(events), updates_told

    def stop_redis_under_load(self, go, come_back):
        with Stack(pools=POOLS).start() as stack:
            stack.line("line.xml", ring_ms=10)
            self.lend_to_many(stack)
            leased = [stack.lease(f"visit-{i}")["number"] for i in range(3)]
            count = int(AWAY_RATE * (AWAY_SECONDS + 2 * AROUND_SECONDS))
            load = self.load(stack, [*leased, BUSY], AWAY_RATE, count)
            wait_until("calls go through", lambda: stack.metric("ringtrace_calls_started_total") >= AWAY_RATE * AROUND_SECONDS)

            go(stack)
            began = stack.metric("ringtrace_calls_started_total")
            refused = []
            for visit in range(VISITS):
                answer = stack.ctl("--json", "lease", "--pool", "main", "--visit", f"away-{visit}", check=False)
                if answer.returncode != 0 or not json.loads(answer.stdout).get("number"):
                    refused.append(answer.stderr)
                so_far = began + AWAY_RATE * AWAY_SECONDS * (visit + 1) / VISITS
                wait_until("calls go on", lambda: stack.metric("ringtrace_calls_started_total") >= min(count, so_far))
            self.assertEqual(refused, [])
            self.assertGreater(stack.metric("ringtrace_events_spool_bytes"), 0)
            self.assertGreater(stack.metric("ringtrace_lease_journal_bytes"), 0)
            waiting = stack.metric("ringtrace_events_waiting")

            come_back(stack)
            stack.wait_for_gateway()
            self.assertEqual(load.wait(60 + 2 * AWAY_SECONDS), 0, load.output()[-2000:])
            self.assertEqual(stack.metric("ringtrace_calls_started_total"), count)
            events, updates = self.check_log(stack, count)
            self.assertEqual(updates, count // 4)
            self.assertEqual(events, 3 * count + updates)
            wait_until("every lease is durable",
                       lambda: stack.metric("ringtrace_pool_nondurable_leases", pool="main") == 0
                       and stack.metric("ringtrace_lease_journal_bytes") == 0)
            print(f"\nRedis away for {AWAY_SECONDS:.0f} s at {AWAY_RATE} calls/s: {count} calls, none refused; {events} events of "
                  f"them ({waiting:.0f} waited), none lost; {updates} of {count // 4} late attributions; {VISITS} leases, none refused")

    def test_redis_killed_under_load_costs_no_call_no_event_and_no_attribution(self):
        self.stop_redis_under_load(lambda stack: stack.redis.kill(), lambda stack: stack.start_redis())

    def test_redis_stopped_under_load_costs_no_call_no_event_and_no_attribution(self):
        self.stop_redis_under_load(lambda stack: stack.redis.process.send_signal(signal.SIGSTOP),
                                   lambda stack: stack.redis.process.send_signal(signal.SIGCONT))

    def test_a_gateway_killed_while_redis_is_away_loses_no_event_and_no_lease(self):
        with Stack(pools=POOLS).start() as stack:
            stack.line(ring_ms=10)
            self.lend_to_many(stack)
            first = stack.lease("visit-1")["number"]
            stack.redis.kill()
            away = stack.lease("visit-away")
            self.assertFalse(away.get("durable", False))
            calls = [first, BUSY, away["number"]]
            for number in calls:
                self.call(stack, number)
            # Each call's last one too: what is younger than the spool's gathering is in memory only.
            spool = stack.directory / "call-events.spool"
            wait_until("the events are in the spool", lambda: spool.read_bytes().count(b"-ended") == len(calls))

            stack.gateway.kill()
            stack.start_redis()
            stack.start_gateway()
            self.check_log(stack, len(calls))
            self.assertEqual(stack.get("visit-away")["number"], away["number"])
            self.assertEqual(stack.get("visit-1")["number"], first)

    def test_calls_before_the_leases_are_reloaded_are_attributed_from_the_store(self):
        with Stack(pools=POOLS).start() as stack:
            stack.line(ring_ms=10)
            number = stack.lease("visit-1", utm_source="google", utm_medium="cpc")["number"]
            stack.gateway.kill()
            stack.redis.kill()
            # Nothing is lent by whoever cannot know what was lent before; calls go through all the same.
            stack.gateway = stack.run("ringtraced", *stack.gateway_command())
            wait_until("SIP listens", lambda: "sip_listening" in stack.gateway.output())
            self.call(stack, number)
            self.assertNotEqual(stack.ctl("lease", "--pool", "main", "--visit", "visit-2", check=False).returncode, 0)
            self.assertEqual(stack.http("healthz")[0], 503)

            stack.start_redis()
            stack.wait_for_gateway()
            self.assertNotEqual(stack.lease("visit-2")["number"], number)
            events = stack.events(4)
            self.assertEqual(sorted(kind(event) for event in events),
                             ["ANSWERED", "ATTRIBUTION_UPDATED", "ENDED", "RINGING"])
            updated = next(event for event in events if kind(event) == "ATTRIBUTION_UPDATED")
            self.assertEqual(method(updated), "ACTIVE_LEASE")
            self.assertEqual(updated["call"]["resolution"]["visit"]["visit_id"], "visit-1")
            self.assertEqual(updated["call"]["resolution"]["source"], "google/cpc")


if __name__ == "__main__":
    unittest.main()
