#!/usr/bin/python3
"""A soak: calls at a steady rate with lost packets on both sides. Every call must come out with exactly one final event,
nothing may be left, and the gateway's memory must stay flat.

    tests/soak/soak.py                                 20 s, as tests/run does
    tests/soak/soak.py --seconds 600 --rate 500        ten minutes; choose half the highest rate of bench/run sip

Needs a build: RINGTRACE_BUILD, or .build/debug. Exit code 0 when all held.
"""

import argparse
import collections
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from stack import BUILD, Stack, free_port, wait_until  # noqa: E402  (the path comes first)

HERE = pathlib.Path(__file__).resolve().parent
# Transactions are remembered for 32 s: until then memory must grow.
WARM_UP = 40
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


def run(stack, options):
    """Makes the calls; the samples of (seconds since the start, KiB)."""
    line = stack.run("line", "sipp", "-sf", HERE / "line.xml", "-i", "127.0.0.1", "-p", stack.line_port, "-d", 100,
                     "-nostdin", "-lost", options.loss)
    calls = options.rate * options.seconds
    caller = stack.run("caller", "sipp", "-sf", HERE / "caller.xml", f"127.0.0.1:{stack.sip_port}", "-i", "127.0.0.1",
                       "-p", free_port(), "-s", "+12025550101", "-key", "caller", "+12025550190", "-d", 500, "-r",
                       options.rate, "-m", calls, "-l", options.rate * 120, "-nostdin", "-lost", options.loss)
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
    # A caller who loses too much gives up; that is the loss, not the gateway, and is counted below.
    return samples


def check_events(stack, events_file):
    """Exactly one final event for each call that was begun; by outcome, and how many."""
    began = stack.metric("ringtrace_calls_started_total")
    wait_until("every call has ended", lambda: stack.metric("ringtrace_calls_live") == 0, deadline=120)
    wait_until("all events are in the log", lambda: stack.metric("ringtrace_events_waiting") == 0)
    ended, outcomes = collections.Counter(), collections.Counter()

    def read():
        ended.clear()
        outcomes.clear()
        for text in events_file.read_text().splitlines():
            event = json.loads(text)
            if event["type"] == "CALL_EVENT_TYPE_ENDED":
                ended[event["call"]["call_id"]] += 1
                outcomes[event["call"]["outcome"]] += 1
        return len(ended) >= began

    wait_until(f"{began:.0f} calls have a final event", read)
    twice = [call for call, count in ended.items() if count != 1]
    assert not twice, f"{len(twice)} calls ended more than once: {twice[:5]}"
    assert len(ended) == began, f"{len(ended)} calls ended of {began:.0f}"
    assert stack.metric("ringtrace_events_dropped_total") == 0
    return dict(outcomes), int(began)


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
    with Stack(patient=False).start() as stack:
        events_file = stack.directory / "events.json"
        with open(events_file, "wb") as sink:
            follower = subprocess.Popen([str(BUILD / "gateway" / "ctl" / "ringtracectl"), "--server",
                                         f"127.0.0.1:{stack.grpc_port}", "--json", "calls", "--from", "oldest", "--follow"],
                                        stdout=sink, stdin=subprocess.DEVNULL)
            try:
                samples = run(stack, options)
                outcomes, calls = check_events(stack, events_file)
            finally:
                follower.terminate()
                follower.wait()
        memory = check_memory(samples, calls)
        again = stack.metric("ringtrace_sip_retransmissions_total")
        print(f"{calls} calls at {options.rate}/s with {options.loss} % loss: {outcomes}; {again:.0f} retransmissions; "
              f"memory {memory}")
        assert again > 0 or options.loss == 0, "nothing was lost: the soak shows nothing"


if __name__ == "__main__":
    main()
