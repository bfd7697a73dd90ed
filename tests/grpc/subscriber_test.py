"""A subscriber that is killed again and again under call load sees every event once."""

import json
import random
import subprocess
import unittest

from stack import BUILD, CALLER, DEADLINE, QUICKSTART_SCENARIOS, Stack, free_port

RESTARTS = 50
CALLS = 400
EVENTS = 3 * CALLS


class Subscriber(unittest.TestCase):
    def follow(self, stack, cursor, limit):
        """Reads `limit` events of a subscriber that begins after the cursor, then kills it with -9."""
        process = subprocess.Popen([BUILD / "gateway" / "ctl" / "ringtracectl", "--server",
                                    f"127.0.0.1:{stack.grpc_port}", "--json", "calls", "--follow", "--from", cursor],
                                   stdout=subprocess.PIPE, text=True)
        lines = []
        while len(lines) < limit:
            lines.append(process.stdout.readline())
            self.assertTrue(lines[-1], "the subscriber ended by itself")
        process.kill()
        # What it had printed by then it had seen; a line it was killed in, it had not.
        rest = process.stdout.read().splitlines(keepends=True)
        process.wait(DEADLINE)
        process.stdout.close()
        return [json.loads(line) for line in lines + rest if line.endswith("\n")]

    def test_fifty_restarts_under_load_lose_and_double_nothing(self):
        with Stack().start() as stack:
            stack.line(ring_ms=20)
            number = stack.lease("visit-1", utm_source="google")["number"]
            load = stack.sipp("load", QUICKSTART_SCENARIOS / "caller.xml", f"127.0.0.1:{stack.sip_port}", "-p",
                              free_port(), "-s", number, "-key", "caller", CALLER, "-m", CALLS, "-r", 40, "-l", CALLS,
                              "-d", 100, "-timeout", f"{2 * DEADLINE:.0f}s", "-timeout_error")
            seed = random.randrange(2**32)
            print(f"seed {seed}")
            dice = random.Random(seed)
            seen, cursor, restarts_under_load = [], "oldest", 0
            while restarts_under_load < RESTARTS:
                # As many as leave enough for the restarts to come.
                fair = max(1, (EVENTS - len(seen)) // (RESTARTS - restarts_under_load + 1))
                self.assertLess(len(seen) + fair, EVENTS + 1, "the calls ended before the restarts")
                seen += self.follow(stack, cursor, dice.randint(1, fair))
                cursor = seen[-1]["cursor"]
                restarts_under_load += 1
            self.assertEqual(load.wait(2 * DEADLINE), 0, load.output()[-2000:])
            if len(seen) < EVENTS:
                seen += self.follow(stack, cursor, EVENTS - len(seen))
            ids = [event["event_id"] for event in seen]
            self.assertEqual(len(set(ids)), len(ids))
            self.assertEqual(ids, [event["event_id"] for event in stack.events(EVENTS)])
            self.assertEqual(len(ids), EVENTS)


if __name__ == "__main__":
    unittest.main()
