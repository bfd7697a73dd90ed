"""What bench/sip_bench.py measures with: a proxy with its line and Redis, and SIPp's calls through it."""

import csv
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from stack import Program, free_port, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "sip"
PROXY, LOAD = "0", f"1-{os.cpu_count() - 1}"
NUMBER = "+12025550101"  # Ringtrace's static one
PROBED = "+12025550109"
PROBES = 100  # calls a second, among the others, of which is told how long their INVITEs take
TICKS = os.sysconf("SC_CLK_TCK")

RINGTRACE = """
[gateway]
name = "bench"
state_directory = "{directory}"
[grpc]
listen = "127.0.0.1:{grpc}"
[http]
listen = "127.0.0.1:{http}"
{store}
[sip]
listen = ["udp:127.0.0.1:{port}"]
default_line_group = "office"
max_calls = 1000000
health_interval = "0s"   # SIPp takes OPTIONS for a call that fails
[[trunk]]
name = "carrier"
addresses = ["127.0.0.1/32"]
[[line_group]]
name = "office"
[[line_group.line]]
name = "desk"
address = "udp:127.0.0.1:{line}"
[[line_group]]
name = "probe"
[[line_group.line]]
name = "probe"
address = "udp:127.0.0.1:{probe}"
[[pool]]
name = "main"
numbers = ["+12025550110-+12025550119"]
ttl = "2h"
fallback = "+12025550100"
line_group = "office"
[[pool]]
name = "probe"
numbers = ["+12025550120-+12025550121"]
fallback = "{probed}"
line_group = "probe"
[[static]]
number = "{number}"
source = "billboard/station"
pool = "main"
"""


def pinned(processors, command):
    return ["taskset", "-c", processors, *command] if (os.cpu_count() or 1) > 1 else command


class Peer:
    """A proxy under test with its line, and Redis where it has one."""

    def __init__(self, directory, build, kind, redis, redis_on=LOAD):
        self.directory = pathlib.Path(directory)
        self.port, self.line_port, self.probe_port = free_port(), free_port(), free_port()
        self.redis = None
        self.redis_port = redis_port = free_port()
        if redis:
            self.redis = Program("redis", pinned(redis_on, [
                "redis-server", "--port", redis_port, "--unixsocket", self.directory / "redis.sock", "--save", "",
                "--appendonly", "no"]), self.directory)
            wait_until("redis", lambda: answers(redis_port))
        if kind == "ringtrace":
            self.proxy = self._ringtrace(build, redis_port if redis else None)
        else:
            self.proxy = self._kamailio(redis_port if redis else None)
        wait_until(f"{kind} answers OPTIONS", self._answers_options, 30)
        self.number = self._lease(build) if kind == "ringtrace" else NUMBER

    def _ringtrace(self, build, redis_port):
        store = f'[redis]\nurl = "unix://{self.directory}/redis.sock"' if redis_port else ""
        config = self.directory / "ringtrace.toml"
        self.grpc_port = free_port()
        config.write_text(RINGTRACE.format(directory=self.directory, grpc=self.grpc_port, http=free_port(), store=store,
                                           port=self.port, line=self.line_port, probe=self.probe_port, number=NUMBER,
                                           probed=PROBED))
        return Program("ringtraced", pinned(PROXY, [build / "gateway" / "ringtraced", "--config", config]), self.directory)

    def _lease(self, build):
        """The number of a visit that is there as long as the benchmark."""
        command = [build / "gateway" / "ctl" / "ringtracectl", "--server", f"127.0.0.1:{self.grpc_port}", "--json", "lease",
                   "--visit", "visit-1", "--utm-source", "google"]
        numbers = []

        def lent():
            answer = subprocess.run(command, capture_output=True)
            if answer.returncode == 0:
                numbers.append(json.loads(answer.stdout.splitlines()[0])["number"])
            return bool(numbers)

        wait_until("a number is lent", lent, 30)
        return numbers[0]

    def _kamailio(self, redis_port):
        text = (HERE / "kamailio.cfg").read_text()
        for word, value in (("LISTEN_PORT", self.port), ("PROBE_LINE", f"127.0.0.1:{self.probe_port}"),
                            ("COMPANY_LINE", f"127.0.0.1:{self.line_port}"), ("DIRECTORY", self.directory),
                            ("PROBED", PROBED)):
            text = text.replace(word, str(value))
        config = self.directory / "kamailio.cfg"
        config.write_text(text)
        if redis_port:
            subprocess.run(["redis-cli", "-p", str(redis_port), "hset", "visits", NUMBER, "visit-1"], check=True,
                           stdout=subprocess.DEVNULL)
        define = ["-A", "WITH_REDIS"] if redis_port else []
        return Program("kamailio", pinned(PROXY, ["kamailio", "-f", config, "-DD", "-E", "-m", "512", "-M", "16",
                                                  "-Y", self.directory, *define]), self.directory)

    def _answers_options(self):
        if not self.proxy.alive():
            raise AssertionError(self.proxy.output()[-2000:])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(0.2)
            peer.sendto(request("OPTIONS", f"sip:127.0.0.1:{self.port}", peer.getsockname()[1], "ping"),
                        ("127.0.0.1", self.port))
            try:
                return peer.recv(4000).startswith(b"SIP/2.0 200")
            except (socket.timeout, ConnectionError):
                return False

    def stop_redis(self):
        self.redis.kill()

    def pids(self):
        found = [self.proxy.process.pid]
        for pid in found:
            try:
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (task / "children").read_text().split()]
            except FileNotFoundError:
                pass
        return found

    def cpu_seconds(self):
        return sum(cpu_seconds_of(pid) for pid in self.pids())

    def redis_cpu_seconds(self):
        return cpu_seconds_of(self.redis.process.pid) if self.redis else 0.0

    def resident_bytes(self):
        pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self):
        self.proxy.stop()
        if self.redis:
            self.redis.stop()
        shutil.rmtree(self.directory)


def cpu_seconds_of(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def request(method, uri, port, name, number=NUMBER):
    return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{name}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+12025550190@127.0.0.1>;tag={name}\r\nTo: <sip:{number}@127.0.0.1>\r\n"
            f"Call-ID: {name}\r\nCSeq: 1 {method}\r\nContact: <sip:caller@127.0.0.1:{port}>\r\n"
            "Content-Length: 0\r\n\r\n").encode()


class Load:
    """Calls through a proxy by SIPp; what came of them."""

    def __init__(self, peer, rate, seconds, probe=False, number=None):
        directory = pathlib.Path(tempfile.mkdtemp(dir=peer.directory))
        calls = int(rate * seconds)
        caller_port = free_port()
        line = self._sipp(directory, "uas", ["-p", peer.line_port, "-m", calls, "-rtcheck", "loose"])
        caller = self._sipp(directory, "uac", [
            "-p", caller_port, "-s", number or peer.number, "-r", rate, "-m", calls, "-l", 18000, "-recv_timeout", 8000,
            f"127.0.0.1:{peer.port}"])
        self.waits = []
        stop = threading.Event()
        prober = threading.Thread(target=self._probe, args=(peer, stop)) if probe else None
        if prober:
            prober.start()
        before, redis_before, started = peer.cpu_seconds(), peer.redis_cpu_seconds(), time.monotonic()
        caller.process.wait(seconds * 6 + 60)
        self.seconds = time.monotonic() - started
        self.cpu = peer.cpu_seconds() - before
        self.redis_cpu = peer.redis_cpu_seconds() - redis_before
        stop.set()
        if prober:
            prober.join()
        try:
            line.process.wait(3)  # it ends by itself when no call is missing
        except subprocess.TimeoutExpired:
            pass
        line.kill()
        uac, uas = rows_of(directory / "uac.csv")[-1], rows_of(directory / "uas.csv")[-1]
        self.rate = rate
        self.offered = calls
        self.failed = int(uac["FailedCall(C)"])
        self.completed = int(uas["SuccessfulCall(C)"])
        self.retransmissions = int(uac["Retransmissions(C)"]) + int(uas["Retransmissions(C)"])
        shutil.rmtree(directory)

    @staticmethod
    def _sipp(directory, role, arguments):
        program = Program(f"sipp-{role}", pinned(LOAD, [
            "sipp", "-sf", HERE / f"{role}.xml", "-i", "127.0.0.1", "-nostdin", "-trace_stat",
            "-stf", directory / f"{role}.csv", "-fd", "1", "-trace_err", "-error_file", directory / f"{role}.err",
            "-buff_size", "4194304", *arguments]), directory)
        if role == "uas":
            time.sleep(0.3)  # SIPp says nowhere that it listens
        return program

    def _probe(self, peer, stop):
        """How long an INVITE takes from our socket in to our socket out, PROBES times a second."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            caller.bind(("127.0.0.1", 0))
            line.bind(("127.0.0.1", peer.probe_port))
            line.settimeout(1)
            number = 0
            while not stop.wait(1 / PROBES):
                number += 1
                name = f"probe{peer.port}x{number}"
                began = time.monotonic()
                caller.sendto(request("INVITE", f"sip:{PROBED}@127.0.0.1:{peer.port}", caller.getsockname()[1], name,
                                      PROBED), ("127.0.0.1", peer.port))
                try:
                    got = line.recv(8000)
                    while not (got.startswith(b"INVITE") and name.encode() + b"\r\n" in got):
                        got = line.recv(8000)
                except socket.timeout:
                    continue
                self.waits.append((time.monotonic() - began) * 1e6)
                line.sendto(refusal(got), ("127.0.0.1", peer.port))

    @property
    def clean(self):
        return self.failed == 0 and self.completed >= self.offered and self.retransmissions == 0

    @property
    def cpu_us(self):
        return self.cpu / max(self.completed, 1) * 1e6

    @property
    def cpu_us_with_redis(self):
        return (self.cpu + self.redis_cpu) / max(self.completed, 1) * 1e6


class Flood:
    """The same calls from one lean process (bench/sip_flood.cc), where SIPp itself would be the limit."""

    def __init__(self, peer, build, rate, seconds, settled):
        """Beside the calls, the proxy's memory after `settled` seconds and at the end."""
        command = [build / "bench" / "bench_sip_flood", "--proxy", peer.port, "--line", peer.line_port,
                   "--number", peer.number, "--rate", rate, "--seconds", seconds]
        with subprocess.Popen(pinned(LOAD, [str(word) for word in command]), stdout=subprocess.PIPE) as flood:
            time.sleep(settled)
            self.settled_bytes = peer.resident_bytes()
            time.sleep(seconds - settled)
            self.end_bytes = peer.resident_bytes()
            answer = flood.communicate(timeout=60)[0].decode().strip()
        if flood.returncode != 0:
            raise AssertionError(f"bench_sip_flood ended with {flood.returncode}")
        self.goodput = json.loads(answer)["goodput"]
        print(f"bench: {rate:.0f} calls/s for {seconds} s: {answer}", file=sys.stderr)


def refusal(invite):
    keep = [line for line in invite.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
            if line.split(b":")[0].lower() in (b"via", b"from", b"to", b"call-id", b"cseq")]
    keep = [line + b";tag=probe" if line.lower().startswith(b"to:") else line for line in keep]
    return b"\r\n".join([b"SIP/2.0 486 Busy Here", *keep, b"Content-Length: 0", b"", b""])


def rows_of(path):
    """What a SIPp has counted, second by second."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def quantile(values, share):
    values = sorted(values)
    return values[min(int(share * len(values)), len(values) - 1)] if values else float("nan")
