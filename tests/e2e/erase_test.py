"""A person's data are erased: from Redis, from the state directory, from what the gateway has learnt."""

import unittest

from stack import BUILD, CALLER, Stack, kind, method, wait_until

ONE_NUMBER = '''
[[pool]]
name = "main"
numbers = ["+12025550101"]
ttl = "30m"
hold = "0s"
fallback = "+12025550100"
'''
DIGITS = CALLER.lstrip("+")
OTHER = "+12025550777"


def keyspace(stack):
    """Every key of Redis with everything it holds, as text."""
    read = {"string": ["get"], "hash": ["hgetall"], "list": ["lrange", "0", "-1"], "set": ["smembers"],
            "zset": ["zrange", "0", "-1", "withscores"], "stream": ["xrange", "-", "+"]}
    text = []
    for key in stack.redis_cli("keys", "*").splitlines():
        command, *rest = read[stack.redis_cli("type", key).strip()]
        text += [key, stack.redis_cli(command, key, *rest)]
    return "\n".join(text)


def files(directory, but=()):
    """What stands in the files of a directory, but for those whose name ends so."""
    return b"\n".join(path.read_bytes() for path in sorted(directory.rglob("*"))
                      if path.is_file() and not path.name.endswith(but))


class Erase(unittest.TestCase):
    # What SIPp writes is not the gateway's, and the append-only file is Redis'.
    OTHERS = (".messages", ".errors", "caller.log", "other.log", "again.log", "line.log")
    APPEND_ONLY = (".aof", ".rdb", ".manifest")

    def test_an_erased_caller_is_in_no_key_and_in_no_file(self):
        with Stack().start() as stack:
            stack.line()
            number = stack.lease("visit-1", utm_source="google")["number"]
            stack.call(number)
            stack.call(number, caller=OTHER, name="other")
            stack.events(6)
            self.assertIn(DIGITS, keyspace(stack))
            self.assertEqual(method(stack.resolve(number, "--caller", CALLER)), "ACTIVE_LEASE")

            # By the gateway after this one, too: the key is kept.
            stack.gateway.kill()
            stack.start_gateway()
            stack.call(number, name="again")
            erased = stack.ctl_json("erase", "--caller", CALLER)[0]
            self.assertEqual(erased["erased_call_count"], "2")
            self.assertNotIn(DIGITS, keyspace(stack))
            self.assertNotIn(DIGITS.encode(), files(stack.directory, self.OTHERS + self.APPEND_ONLY))
            self.assertIn(DIGITS.encode(), files(stack.directory, self.OTHERS))

            events = stack.events(9)
            self.assertEqual([kind(event) for event in events], 3 * ["RINGING", "ANSWERED", "ENDED"])
            self.assertEqual({event["call"]["caller"] for event in events}, {"", OTHER})
            for event in events:
                visit = event["call"]["resolution"]["visit"]
                self.assertEqual(visit["visit_id"], "visit-1")
                self.assertEqual(visit.get("attributes", {}).get("utm_source"), "google" if event["call"]["caller"] else None)
            self.assertEqual(stack.metric("ringtrace_callers_erased_total"), 1)
            self.assertEqual(stack.metric("ringtrace_calls_erased_total"), 2)
            self.assertIn("caller erased", stack.gateway.output())

            told = stack.ctl("erase", "--caller", CALLER, "--rewrite-append-only-file").stdout
            self.assertRegex(told, "calls erased +0\nappend-only file +being rewritten")
            wait_until("the append-only file is rewritten",
                       lambda: DIGITS.encode() not in files(stack.directory, self.OTHERS))
            self.assertIn(OTHER, keyspace(stack))

    def test_a_call_that_is_up_ends_without_its_erased_caller_and_he_is_known_no_more(self):
        with Stack(pools=ONE_NUMBER).start() as stack:
            stack.line()
            number = stack.lease("visit-1")["number"]
            stack.call(number)
            stack.ctl("release", "--pool", "main", "--visit", "visit-1")
            self.assertEqual(stack.lease("visit-2")["number"], number)
            caller = stack.caller(number, talk_ms=3000)
            self.assertEqual(method(stack.events(5)[-1]), "RETURNING_CALLER")

            self.assertEqual(stack.ctl_json("erase", "--caller", CALLER)[0]["erased_call_count"], "2")
            self.assertEqual(method(stack.resolve(number, "--caller", CALLER)), "ACTIVE_LEASE")
            self.assertEqual(caller.wait(), 0)
            wait_until("the call has ended", lambda: stack.metric("ringtrace_calls_total", outcome="answered") == 2)
            wait_until("its events are in the log", lambda: stack.metric("ringtrace_events_waiting") == 0)
            events = stack.ctl_json("calls", "--from", "oldest")
            self.assertEqual(kind(events[-1]), "ENDED")
            self.assertEqual({event["call"]["caller"] for event in events}, {""})
            wait_until("the spool is empty", lambda: stack.metric("ringtrace_events_spool_bytes") == 0)
            self.assertNotIn(DIGITS, keyspace(stack))
            self.assertNotIn(DIGITS.encode(), files(stack.directory, self.OTHERS + self.APPEND_ONLY))

    def test_events_that_a_gateway_has_read_for_its_readers_are_told_without_an_erased_caller(self):
        with Stack().start() as stack:
            stack.line()
            number = stack.lease("visit-1", utm_source="google")["number"]
            stack.call(number, caller=OTHER, name="other")
            first = stack.events(3)[-1]["cursor"]
            # Whoever reads at the end has the gateway keep what comes.
            follower = stack.run("follower.messages", BUILD / "gateway" / "ctl" / "ringtracectl", "--server",
                                 f"127.0.0.1:{stack.grpc_port}", "--json", "calls", "--from", first, "--follow", "--limit", 3)
            wait_until("the follower reads", lambda: stack.metric("ringtrace_grpc_streams") == 1)
            stack.call(number)
            follower.wait()
            self.assertIn(CALLER, follower.output())
            self.assertEqual(stack.ctl_json("erase", "--caller", CALLER)[0]["erased_call_count"], "1")
            again = stack.ctl_json("calls", "--from", first)
            self.assertEqual([kind(event) for event in again], ["RINGING", "ANSWERED", "ENDED"])
            self.assertEqual({event["call"]["caller"] for event in again}, {""})

    def test_without_redis_the_events_in_memory_are_erased(self):
        with Stack(redis=False).start() as stack:
            stack.line()
            number = stack.lease("visit-1")["number"]
            stack.call(number)
            self.assertEqual(stack.ctl_json("erase", "--caller", CALLER)[0]["erased_call_count"], "1")
            self.assertEqual({event["call"]["caller"] for event in stack.events(3)}, {""})

    def test_it_says_what_is_wrong(self):
        with Stack().start() as stack:
            self.assertEqual(stack.ctl("erase", check=False).returncode, 2)
            stack.redis.kill()
            wait_until("Redis is away", lambda: stack.http("readyz")[0] == 503)
            away = stack.ctl("erase", "--caller", CALLER, check=False)
            self.assertEqual(away.returncode, 4, away.stderr)
            self.assertNotIn(DIGITS, away.stderr)


if __name__ == "__main__":
    unittest.main()
