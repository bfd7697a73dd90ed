#!/usr/bin/python3
"""A soak: calls at a steady rate with lost packets on both sides. Every call must come out with exactly one final event,
nothing may be left, and the gateway's memory must stay flat.

A call of which a party loses too much, and gives up without a word, is ended by max_call_age, here a minute after its
answer: it has its one final event then too, and is told apart from those that were hung up.

    tests/soak/soak.py                                 20 s, as tests/run does
    tests/soak/soak.py --seconds 600 --rate 500        ten minutes; choose half the highest rate of bench/run sip

Needs a build: RINGTRACE_BUILD, or .build/debug. Exit code 0 when all held.
"""

import argparse
import collections
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from stack import BUILD, Stack, free_port, wait_until  # noqa: E402  (the path comes first)

HERE = pathlib.Path(__file__).resolve().parent
# Transactions are remembered for 32 s: until then memory must grow.
WARM_UP = 40
# What ends a call that a party has given up without a word, in seconds after its answer.
CALL_AGE = 60
# By then every call has been answered (32 s of the line's repeating at most) and ended so.
MOST_SECONDS_TO_END = 2 * CALL_AGE + 60
# Events in the log: it is full, and lets the oldest go, from the first minutes of a long soak on; a week of such calls
# would fill the machine's memory instead.
LOG_LENGTH = 400_000
# How much of what it has after the warm-up a flat gateway may have more at the end.
MOST_GROWTH = 1.05
SLACK_KIB = 4096
# Builds whose memory is mostly the sanitizer's own books.
SANITIZED = BUILD.name in ("asan", "tsan")
# Of a run without a settled half: what 32 s of calls may take.
MOST_KIB_PER_CALL = 24


def memory_kib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


class Ends(threading.Thread):
    """Follows the event log's final events from its beginning and counts them, by call and by outcome."""

    def __init__(self, stack):
        super().__init__()
        self.of_call = collections.Counter()
        self.outcomes = collections.Counter()
        self._follower = subprocess.Popen(
            [str(BUILD / "gateway" / "ctl" / "ringtracectl"), "--server", f"127.0.0.1:{stack.grpc_port}", "--json", "calls",
             "--from", "oldest", "--follow", "--type", "ended"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.start()

    def run(self):
        for line in self._follower.stdout:
            call = json.loads(line)["call"]
            status = call.get("sip_status", 0)
            outcome = call["outcome"].removeprefix("CALL_OUTCOME_")
            self.outcomes[outcome if status < 300 else f"{outcome} {status}"] += 1
            self.of_call[call["call_id"]] += 1

    def stop(self):
        self._follower.terminate()
        self._follower.wait()
        self.join()


def failed_calls(statistics_file):
    """Of a SIPp: what it says itself of calls that did not go as its scenario."""
    with open(statistics_file, newline="") as file:
        return int(list(csv.DictReader(file, delimiter=";"))[-1]["FailedCall(C)"])


def sipp(stack, name, *arguments):
    return stack.run(name, "sipp", "-sf", HERE / f"{name}.xml", "-i", "127.0.0.1", "-nostdin", "-trace_stat", "-stf",
                     stack.directory / f"{name}.csv", "-fd", 5, *arguments)


def run(stack, options):
    """Makes the calls; the samples of (seconds since the start, KiB)."""
    line = sipp(stack, "line", "-p", stack.line_port, "-d", 100, "-lost", options.loss)
    calls = options.rate * options.seconds
    caller = sipp(stack, "caller", f"127.0.0.1:{stack.sip_port}", "-p", free_port(), "-s", "+12025550101", "-key", "caller",
                  "+12025550190", "-d", 500, "-r", options.rate, "-m", calls, "-l", options.rate * 120, "-lost", options.loss)
    start, samples = time.monotonic(), []
    while caller.alive():
        samples.append((time.monotonic() - start, memory_kib(stack.gateway.process)))
        try:
            caller.process.wait(1)
        except subprocess.TimeoutExpired:
            pass
        assert stack.gateway.alive(), stack.gateway.output()[-3000:]
        assert line.alive(), line.output()[-3000:]
        assert time.monotonic() - start < options.seconds * 2 + 120, "SIPp does not come to an end"
    # A caller who loses too much gives up; that is the loss, not the gateway, and is told below.
    return samples


def check_events(stack, ends):
    """Exactly one final event for each call that was begun; how many."""
    began = int(stack.metric("ringtrace_calls_started_total"))
    wait_until("every call has ended", lambda: stack.metric("ringtrace_calls_live") == 0, deadline=MOST_SECONDS_TO_END)
    wait_until("all events are in the log", lambda: stack.metric("ringtrace_events_waiting") == 0)
    wait_until(f"{began} calls have a final event", lambda: ends.of_call.total() >= began)
    twice = [call for call, count in ends.of_call.items() if count != 1]
    assert not twice, f"{len(twice)} calls ended more than once: {twice[:5]}"
    assert len(ends.of_call) == began, f"{len(ends.of_call)} calls ended of {began}"
    assert stack.metric("ringtrace_events_dropped_total") == 0
    return began


def check_memory(samples, calls):
    if SANITIZED:
        return "not looked at under a sanitizer"
    settled = [kib for second, kib in samples if second > WARM_UP]
    if len(settled) < 60:
        grown = samples[-1][1] - samples[0][1]
        assert grown < SLACK_KIB + MOST_KIB_PER_CALL * calls, f"{grown} KiB for {calls} calls"
        return f"{samples[0][1]} KiB at first, {samples[-1][1]} KiB at last (too short to settle)"
    quarter = len(settled) // 4
    early, late = statistics.median(settled[:quarter]), statistics.median(settled[-quarter:])
    assert late <= early * MOST_GROWTH + SLACK_KIB, f"memory grew from {early:.0f} to {late:.0f} KiB"
    return f"{early:.0f} KiB after the warm-up, {late:.0f} KiB at last"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=50, help="calls a second")
    parser.add_argument("--loss", type=int, default=1, help="percent of the packets, on both sides")
    options = parser.parse_args()
    log = f"[events]\nmax_length = {LOG_LENGTH}\n"
    with Stack(patient=False, sip=f'max_call_age = "{CALL_AGE}s"', extra=log).start() as stack:
        ends = Ends(stack)
        try:
            samples = run(stack, options)
            calls = check_events(stack, ends)
        finally:
            ends.stop()
        memory = check_memory(samples, calls)
        again = stack.metric("ringtrace_sip_retransmissions_total")
        gave_up = failed_calls(stack.directory / "caller.csv")
        print(f"{calls} calls at {options.rate}/s with {options.loss} % loss, each with one final event: {dict(ends.outcomes)}; "
              f"the caller's SIPp failed {gave_up}; {again:.0f} retransmissions; memory {memory}")
        assert again > 0 or options.loss == 0, "nothing was lost: the soak shows nothing"


if __name__ == "__main__":
    main()
