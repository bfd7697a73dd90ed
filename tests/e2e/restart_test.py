"""What is kept when the gateway or Redis is killed at a bad moment."""

import unittest

from stack import Stack, kind, method, wait_until


class Restart(unittest.TestCase):
    def test_a_killed_gateway_comes_back_with_the_same_numbers(self):
        with Stack().start() as stack:
            stack.line()
            before = {visit: stack.lease(visit)["number"] for visit in ("visit-1", "visit-2", "visit-3")}
            stack.ctl("release", "--pool", "main", "--visit", "visit-2")

            stack.gateway.kill()
            stack.start_gateway()

            for visit in ("visit-1", "visit-3"):
                lease = stack.get(visit)
                self.assertEqual(lease["number"], before[visit])
                self.assertTrue(lease["durable"])
            # The released number is in its hold: others get the numbers that were never lent.
            fresh = {stack.lease(f"new-{i}")["number"] for i in range(7)}
            self.assertTrue(fresh.isdisjoint(before.values()))
            self.assertEqual(stack.lease("new-7")["kind"], "NUMBER_KIND_FALLBACK")
            self.assertEqual(method(stack.resolve(before["visit-2"])), "HOLD")

            stack.call(before["visit-1"])
            ended = stack.events(3)[-1]
            self.assertEqual(method(ended), "ACTIVE_LEASE")
            self.assertEqual(ended["call"]["resolution"]["visit"]["visit_id"], "visit-1")

    def test_redis_absent_at_start_makes_leases_durable_when_it_comes(self):
        with Stack() as stack:
            stack.start_gateway(ready=False)
            status, reasons = stack.http("readyz")
            self.assertEqual(status, 503)
            self.assertIn("store", reasons)
            stack.line()
            lease = stack.lease("visit-1")
            self.assertFalse(lease.get("durable", False))
            stack.call(lease["number"])

            stack.start_redis()
            stack.wait_for_gateway()
            wait_until("the lease is durable", lambda: stack.get("visit-1").get("durable", False))
            events = stack.events(3)
            self.assertEqual(method(events[-1]), "ACTIVE_LEASE")

            stack.gateway.kill()
            stack.start_gateway()
            self.assertEqual(stack.get("visit-1")["number"], lease["number"])

    def test_calls_and_leases_go_on_while_redis_is_away(self):
        with Stack().start() as stack:
            stack.line()
            first = stack.lease("visit-1")["number"]
            stack.redis.kill()
            self.assertFalse(stack.lease("visit-2").get("durable", False))
            stack.call(first)
            self.assertEqual(stack.http("healthz")[0], 200)

            stack.start_redis()
            events = stack.events(3)
            self.assertEqual([kind(event) for event in events], ["RINGING", "ANSWERED", "ENDED"])
            self.assertEqual(events[-1]["call"]["resolution"]["visit"]["visit_id"], "visit-1")
            wait_until("the lease is durable", lambda: stack.get("visit-2").get("durable", False))

    def test_sigterm_drains(self):
        with Stack().start() as stack:
            stack.lease("visit-1")
            stack.gateway.terminate()
            self.assertEqual(stack.gateway.wait(), 0)
            stack.start_gateway()
            self.assertEqual(stack.get("visit-1")["visit"]["visit_id"], "visit-1")

    def test_redis_forgets_by_itself_and_tells_an_operator(self):
        with Stack().start() as stack:
            number = stack.lease("visit-1", ttl="10m")["number"].lstrip("+")
            keys = [key for key in stack.redis_cli("keys", "rt:{main:0}:leases:*").split()]
            self.assertEqual(len(keys), 1)
            # No earlier than the end of the lease and its hold.
            self.assertGreaterEqual(int(stack.redis_cli("pttl", keys[0])), (10 * 60 + 140) * 1000)
            self.assertIn("visit-1", stack.redis_cli("hget", keys[0], number[-5:]))


if __name__ == "__main__":
    unittest.main()
