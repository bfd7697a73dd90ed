"""Ringtrace beside Kamailio 5.6 doing the same work: the same SIPp scenarios to one after the other.

Both look the dialed number up, record-route, follow the call and write an event per state: Kamailio into its log with
the numbers in a hash table, or into a Redis stream with the numbers in Redis; Ringtrace always as it is shipped, with
the dialed number lent to a visit.

Where there are two processors, the proxy under test has the first one for itself, whatever its threads and processes;
SIPp and Redis have the other. Kamailio with a hash table asks nothing of Redis, so that the highest rate is also told
with Ringtrace's Redis on Ringtrace's own processor: that is the limit of both together. (Everything else is not
measured that way: a proxy that shares its only processor waits for Redis' slices of it, which says little of the proxy.)
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile

from sip_world import LOAD, NUMBER, PROBES, PROXY, ROOT, Flood, Load, Peer, quantile

# The rates at which the highest is looked for, in calls a second: from the slowest on, each a third of an octave higher.
SLOWEST, STEPS = 500, 15

# Requests are remembered for 32 s: until then memory must grow at any rate.
SETTLED = 34

# Of its memory, in the seconds after that: what a page more or less of the allocator's makes.
GROWTH = 0.01

# What Kamailio keeps the numbers and events in: its name in the table, Redis is there, Redis is stopped.
KINDS = {"htable": ("kamailio, htable", False, False), "redis": ("kamailio, ndb_redis", True, False),
         "stopped": ("kamailio, Redis stopped", True, True)}

# Beside which the highest rate is told for Redis on our own processor, too: this Kamailio has no Redis.
TOGETHER = KINDS["htable"][0]


class Bench:
    def __init__(self, build, rounds, seconds):
        self.build, self.rounds, self.seconds = build, rounds, seconds
        self.rows = []

    def peer(self, kind, redis, redis_on=LOAD):
        directory = tempfile.mkdtemp(prefix="ringtrace-bench-")
        return Peer(directory, self.build, kind, redis, redis_on)

    def row(self, what, unit, ours, theirs, name, target=None, least=None):
        ratios = [a / b for a, b in zip(ours, theirs) if b]
        met = [(r <= target if target is not None else r >= least) for r in ratios] if target or least else []
        self.rows.append({
            "bench": "sip", "what": what, "unit": unit, "ours": statistics.median(ours),
            "peer": statistics.median(theirs), "peer_name": name,
            "ratio": statistics.median(ratios) if ratios else None,
            "target": f"<= {target}" if target is not None else f">= {least}" if least is not None else "none",
            # A peer that lost something at every rate says nothing but that the machine had no time for it.
            "ok": None if not ratios else True if all(met) else False if not any(met) else None})
        print(f"bench: {what}: {self.rows[-1]['ours']:.4g} {unit}, {name} {self.rows[-1]['peer']:.4g}", file=sys.stderr)

    def run(self, kinds):
        for kind in kinds:
            self.compare(*KINDS[kind])

    def compare(self, name, redis, stopped):
        figures = {}
        rates = [500] if stopped else [200, 500, 1000]
        for _ in range(self.rounds):
            # Ringtrace is shipped with Redis: beside the hash table too, it writes to Redis what Kamailio logs.
            for kind in ("ringtrace", "kamailio"):
                peer = self.peer(kind, redis or kind == "ringtrace")
                try:
                    Load(peer, 100, 1)
                    if stopped:
                        peer.stop_redis()
                    for rate in rates:
                        load = Load(peer, rate, self.seconds)
                        figures.setdefault((kind, f"cpu{rate}"), []).append(load.cpu_us)
                        if rate == 500:
                            figures.setdefault((kind, "cpu_with_redis"), []).append(load.cpu_us_with_redis)
                    load = Load(peer, 500, self.seconds, number=NUMBER)
                    figures.setdefault((kind, "cpu_static"), []).append(load.cpu_us)
                    load = Load(peer, 500 - PROBES, self.seconds, probe=True)
                    figures.setdefault((kind, "p50"), []).append(quantile(load.waits, 0.5))
                    figures.setdefault((kind, "p99"), []).append(quantile(load.waits, 0.99))
                    self.capacity(peer, kind, figures)
                    self.overload(peer, kind, figures)
                finally:
                    peer.close()
            if name == TOGETHER:
                peer = self.peer("ringtrace", True, PROXY)
                try:
                    together = {}
                    self.capacity(peer, "ringtrace", together)
                    figures.setdefault(("ringtrace", "together"), []).append(together["ringtrace", "highest"][0])
                finally:
                    peer.close()
        take = lambda what: (figures["ringtrace", what], figures["kamailio", what])  # noqa: E731
        for rate in rates:
            self.row(f"CPU of a call at {rate} calls/s", "us", *take(f"cpu{rate}"), name, target=0.4)
        self.row("CPU of a call and of Redis for it at 500 calls/s", "us", *take("cpu_with_redis"), name)
        self.row("CPU of a call to a static number at 500 calls/s", "us", *take("cpu_static"), name)
        self.row("INVITE in to INVITE out at 500 calls/s, p50", "us", *take("p50"), name)
        self.row("INVITE in to INVITE out at 500 calls/s, p99", "us", *take("p99"), name)
        self.row("highest rate without a loss or retransmission", "calls/s", *take("highest"), name, least=2)
        if name == TOGETHER:
            self.row("the same with Redis on the proxy's processor", "calls/s", figures["ringtrace", "together"],
                     figures["kamailio", "highest"], name, least=2)
        # Where SIPp is the limit, this says more of the proxies.
        self.row("CPU of a call at each one's highest rate", "us", *take("cpu_highest"), name)
        ours = figures["ringtrace", "goodput"]
        self.row("goodput at 3 times that rate", "calls/s", ours, figures["ringtrace", "peak"], "itself at that rate",
                 least=0.9)
        self.row("goodput at 3 times its highest rate", "calls/s", *take("goodput"), name)
        self.row(f"growth of memory in that overload after {SETTLED} s", "MB", figures["ringtrace", "growth"],
                 figures["ringtrace", "settled"], "itself before", target=GROWTH)
        self.row(f"memory after {SETTLED} s of each one's overload", "MB", *take("settled"), name)

    def capacity(self, peer, kind, figures):
        """Climbs by thirds of an octave until a call or retransmission is lost twice at a rate, and then by a sixth."""
        highest, cpu = 0, 0.0
        for step in range(STEPS):
            load = self.try_rate(peer, kind, round(SLOWEST * 2 ** (step / 3)))
            if not load:
                break
            highest, cpu = load.rate, load.cpu_us
        if highest and (load := self.try_rate(peer, kind, round(highest * 2 ** (1 / 6)))):
            highest, cpu = load.rate, load.cpu_us
        figures.setdefault((kind, "highest"), []).append(highest)
        figures.setdefault((kind, "cpu_highest"), []).append(cpu)

    def try_rate(self, peer, kind, rate):
        """The load when nothing was lost, at once or in the second attempt: one hiccup of the machine is no limit."""
        for _ in range(2):
            load = Load(peer, rate, min(self.seconds, 3))
            print(f"bench: {kind} at {rate}: failed {load.failed} retransmissions {load.retransmissions} "
                  f"cpu {load.cpu_us:.0f} us", file=sys.stderr)
            if load.clean:
                return load
        return None

    def overload(self, peer, kind, figures):
        """The highest rate, and then three times that; each until memory has settled, and then some seconds more."""
        highest = max(figures[kind, "highest"][-1], 200)
        for what, rate in (("peak", highest), ("goodput", 3 * highest)):
            load = Flood(peer, self.build, rate, SETTLED + self.seconds, SETTLED)
            figures.setdefault((kind, what), []).append(load.goodput)
        figures.setdefault((kind, "settled"), []).append(load.settled_bytes / 1e6)
        figures.setdefault((kind, "growth"), []).append(max((load.end_bytes - load.settled_bytes) / 1e6, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / ".build" / "release")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--long", action="store_true", help="three rounds of ten seconds a figure")
    parser.add_argument("--kamailio", choices=list(KINDS), action="append",
                        help="only beside Kamailio with these; all when not said")
    arguments = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, set(range(1, os.cpu_count())))  # the probe belongs to the load
    bench = Bench(arguments.build.resolve(), 3 if arguments.long else 1, 10 if arguments.long else 4)
    bench.run(arguments.kamailio or list(KINDS))
    text = json.dumps(bench.rows, indent=1)
    arguments.json.write_text(text + "\n") if arguments.json else print(text)


if __name__ == "__main__":
    main()
