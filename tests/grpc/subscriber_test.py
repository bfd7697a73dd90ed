"""Subscribers under call load: one that is killed again and again, one that is stopped, two that share. Each event is told
once."""

import contextlib
import json
import queue
import random
import signal
import subprocess
import threading
import unittest

from stack import BUILD, CALLER, DEADLINE, QUICKSTART_SCENARIOS, Stack, free_port, wait_until

KILLS = 50
CALLS_OF_ROUND = 100
EVENTS_OF_CALL = 3


class Load:
    """Calls to a number, 40 a second in rounds, from the beginning until `stop`, with a round after it; `events` is
    how many events they bring."""

    def __init__(self, stack, number):
        self.stack, self.number = stack, number
        self.rounds, self.codes = 0, []
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def stop(self):
        self._enough.set()
        self._thread.join()

    @property
    def events(self):
        return EVENTS_OF_CALL * CALLS_OF_ROUND * self.rounds

    def _call(self):
        last = False
        while not last:
            last = self._enough.is_set()
            self.rounds += 1
            program = self.stack.sipp(f"load-{self.rounds}", QUICKSTART_SCENARIOS / "caller.xml",
                                      f"127.0.0.1:{self.stack.sip_port}", "-p", free_port(), "-s", self.number, "-key",
                                      "caller", CALLER, "-m", CALLS_OF_ROUND, "-r", 40, "-l", CALLS_OF_ROUND, "-d", 100,
                                      "-timeout", f"{DEADLINE:.0f}s", "-timeout_error")
            self.codes.append(program.wait(2 * DEADLINE))


class Subscriber:
    """One life of `ringtracectl calls`; `seen` are the events it has told."""

    def __init__(self, stack, *options):
        self.seen = []
        self.process = subprocess.Popen([BUILD / "gateway" / "ctl" / "ringtracectl", "--server",
                                         f"127.0.0.1:{stack.grpc_port}", "--json", "calls", *options],
                                        stdout=subprocess.PIPE, text=True)

    def read(self, count):
        """The next `count` events; AssertionError when they do not come in time."""
        patience = threading.Timer(DEADLINE, self.process.kill)
        patience.start()
        try:
            for _ in range(count):
                line = self.process.stdout.readline()
                assert line, "the subscriber ended, or an event did not come"
                self.seen.append(json.loads(line))
        finally:
            patience.cancel()

    def kill(self):
        """As `kill -9` does. What it had told by then it had seen; a line it was killed in, it had not."""
        self.process.kill()
        rest = self.process.stdout.read().splitlines(keepends=True)
        self.seen += [json.loads(line) for line in rest if line.endswith("\n")]
        assert self.process.wait(DEADLINE) == -9
        self.process.stdout.close()


def ids(events):
    return [event["event_id"] for event in events]


class UnderLoad(unittest.TestCase):
    @contextlib.contextmanager
    def load(self):
        """(stack, load, dice)"""
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        with Stack().start() as stack:
            stack.line(ring_ms=20)
            load = Load(stack, stack.lease("visit-1", utm_source="google")["number"])
            try:
                yield stack, load, random.Random(seed)
            finally:
                load.stop()

    def all_events(self, stack, load):
        """Those of all calls, when the load is over, as Redis has them."""
        load.stop()
        self.assertEqual(load.codes, [0] * load.rounds, "a call of the load failed")
        log = "rt:{calls}:events"
        wait_until("every event is in the log", lambda: int(stack.redis_cli("xlen", log)) >= load.events)
        entries = json.loads(stack.redis_cli("--json", "xrange", log, "-", "+"))
        self.assertEqual(len(entries), load.events)
        return [{"cursor": cursor, "event_id": json.loads(fields[-1])["event_id"]} for cursor, fields in entries]


class Killed(UnderLoad):
    def test_one_that_keeps_its_cursor_is_told_every_event_once(self):
        with self.load() as (stack, load, dice):
            seen, cursor = [], "oldest"
            for _ in range(KILLS):
                life = Subscriber(stack, "--follow", "--from", cursor)
                life.read(dice.randint(1, 12))
                life.kill()
                seen += life.seen
                cursor = seen[-1]["cursor"]
            every = self.all_events(stack, load)
            seen += stack.ctl_json("calls", "--from", cursor)
            self.assertEqual(len(set(ids(seen))), len(seen), "an event was told twice")
            self.assertEqual(ids(seen), ids(every))

    def test_one_whose_place_is_kept_goes_on_after_what_it_had_acknowledged(self):
        with self.load() as (stack, load, dice):

            def place():
                return stack.redis_cli("hget", "rt:{calls}:subscriptions", "crm").split(" ")[0].strip()

            def is_gone():
                metrics = stack.metrics()
                return not metrics["ringtrace_grpc_streams"] and not metrics[
                    "ringtrace_subscription_acknowledgements_waiting"]

            lives, places = [], [place()]
            for _ in range(KILLS):
                life = Subscriber(stack, "--subscription", "crm")
                life.read(dice.randint(1, 12))
                wait_until("an acknowledgement of this life is kept", lambda: place() not in (places[-1], "-"))
                life.kill()
                lives.append(life.seen)
                wait_until("the subscriber's stream is over", is_gone)
                places.append(place())
            every = self.all_events(stack, load)
            at = {event["cursor"]: number for number, event in enumerate(every, 1)}
            # What was told and not acknowledged comes again, and nothing else does; nothing is left out.
            for acknowledged, life in zip(places, lives):
                begin = at.get(acknowledged, 0)
                self.assertEqual(ids(life), ids(every[begin:begin + len(life)]))
            last = Subscriber(stack, "--subscription", "crm")
            last.read(len(every) - at[places[-1]])
            last.kill()
            self.assertEqual(ids(last.seen), ids(every[at[places[-1]]:]))


class Others(UnderLoad):
    def test_one_that_is_stopped_keeps_its_place_and_holds_up_nobody(self):
        with self.load() as (stack, load, _):
            stopped = Subscriber(stack, "--follow", "--from", "oldest")
            stopped.read(1)
            stopped.process.send_signal(signal.SIGSTOP)
            other = Subscriber(stack, "--follow", "--from", "oldest")
            wait_until("enough has been told for no buffer to hold it", lambda: load.rounds > 3)
            every = ids(self.all_events(stack, load))
            other.read(len(every))
            self.assertEqual(ids(other.seen), every)
            stopped.process.send_signal(signal.SIGCONT)
            stopped.read(len(every) - 1)
            self.assertEqual(ids(stopped.seen), every)
            for subscriber in (stopped, other):
                subscriber.kill()

    def test_two_that_share_a_subscription_divide_its_events(self):
        with self.load() as (stack, load, _):
            told = queue.SimpleQueue()
            workers = [Subscriber(stack, "--subscription", "crm", "--share") for _ in range(2)]
            for worker in workers:
                threading.Thread(target=lambda of=worker: [told.put((of, line)) for line in of.process.stdout]).start()
            wait_until("events have been told", lambda: told.qsize() > 100)
            every = ids(self.all_events(stack, load))
            for _ in every:
                worker, line = told.get(timeout=DEADLINE)
                worker.seen.append(json.loads(line))
            for worker in workers:
                worker.process.kill()
                worker.process.wait(DEADLINE)
                self.assertGreater(len(worker.seen), len(every) / 10, "one did nearly all of the work")
            self.assertEqual(sorted(ids(workers[0].seen + workers[1].seen)), sorted(every))


if __name__ == "__main__":
    unittest.main()
