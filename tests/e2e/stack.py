"""A whole Ringtrace on free loopback ports: real redis-server, ringtraced and SIPp, in a temporary directory.

    with Stack() as stack:
        stack.start()
        number = stack.lease("visit-1", utm_source="google")["number"]
        stack.call(number)
        events = stack.events(3)

Nothing here sleeps for a fixed time: everything waits for a condition, and says which one did not come true.
"""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = pathlib.Path(__file__).resolve().parent / "scenarios"
QUICKSTART_SCENARIOS = ROOT / "deploy" / "sipp"
BUILD = pathlib.Path(os.environ.get("RINGTRACE_BUILD", ROOT / ".build" / "debug"))

# How long anything may take; sanitizers are slow.
DEADLINE = 60.0

# What the machine does besides must not look like an overload of the gateway's.
PATIENT = 'max_queueing_delay = "2s"'

CALLER = "+12025550190"
FALLBACK = "+12025550100"


def wait_until(what, condition, deadline=DEADLINE):
    """The first truthy value of `condition()`; AssertionError naming `what` when none came in time."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true in {deadline:.0f} s")
        time.sleep(0.02)


def free_port():
    """A port of 127.0.0.1 that neither TCP nor UDP uses, below the range that outgoing connections take from."""
    while True:
        port = random.randrange(10_000, 32_000)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue


class Program:
    """A child process with its output in a file."""

    def __init__(self, name, arguments, directory):
        self.name = name
        self.log = directory / f"{name}.log"
        self._file = open(self.log, "ab")
        self.process = subprocess.Popen([str(a) for a in arguments], cwd=directory, stdin=subprocess.DEVNULL,
                                        stdout=self._file, stderr=subprocess.STDOUT)

    def output(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """As `kill -9` does."""
        self.process.kill()
        self.wait()

    def terminate(self):
        self.process.terminate()

    def wait(self, deadline=DEADLINE):
        """The exit code; AssertionError with the end of the log when it does not end in time."""
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end in {deadline:.0f} s:\n{self.output()[-3000:]}") from None
        finally:
            if self.process.poll() is not None:
                self._file.close()

    def stop(self):
        """Ends it, whatever its state."""
        if self.alive():
            self.process.send_signal(signal.SIGCONT)
            self.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._file.close()


class Stack:
    """See the module. `pools` are lines of TOML put in place of the one pool of ten numbers, `grpc`, `sip` and `line` lines of
    their tables; `ctl_options` come before every command of ringtracectl."""

    def __init__(self, redis=True, pools=None, numbers="+12025550101-+12025550110", extra="", grpc="", sip="", line="",
                 ctl_options=(), patient=True):
        self._temporary = tempfile.TemporaryDirectory(prefix="ringtrace-test-")
        self.directory = pathlib.Path(self._temporary.name)
        self.programs = []
        self.gateway = None
        self.redis = None
        self.with_redis = redis
        self.sip_port, self.line_port, self.grpc_port, self.http_port = (free_port() for _ in range(4))
        self.configuration = self.directory / "ringtrace.toml"
        self.configuration.write_text(self._toml(pools, numbers, extra, grpc, sip, line, patient))
        self.ctl_options = list(ctl_options)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for program in reversed(self.programs):
            program.stop()
        if kind is not None:
            for log in sorted(self.directory.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}", file=sys.stderr)
        self._check_sanitizers(kind)
        self._temporary.cleanup()

    def _check_sanitizers(self, kind):
        """A sanitizer's report in the gateway's log fails the test, also when the gateway lived on."""
        if kind is None and (self.directory / "ringtraced.log").exists():
            log = (self.directory / "ringtraced.log").read_text(errors="replace")
            for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:"):
                assert mark not in log, log[log.index(mark):][:6000]

    def _toml(self, pools, numbers, extra, grpc, sip, line, patient):
        redis = f'[redis]\nurl = "unix://{self.redis_socket}"\n' if self.with_redis else ""
        if pools is None:
            pools = f'''
[[pool]]
name = "main"
numbers = ["{numbers}"]
ttl = "30m"
hold = "150s"
fallback = "{FALLBACK}"
line_group = "office"
'''
        return f'''
[gateway]
name = "test"
state_directory = "{self.directory}"
[grpc]
listen = "127.0.0.1:{self.grpc_port}"
{grpc}
[http]
listen = "127.0.0.1:{self.http_port}"
{redis}
[sip]
listen = ["udp:127.0.0.1:{self.sip_port}", "tcp:127.0.0.1:{self.sip_port}"]
default_line_group = "office"
health_interval = "0s"  # SIPp's lines answer no OPTIONS
{PATIENT if patient else ""}
{sip}
[[trunk]]
name = "carrier"
addresses = ["127.0.0.1/32"]
[[line_group]]
name = "office"
[[line_group.line]]
name = "reception"
address = "udp:127.0.0.1:{self.line_port}"
{line}
{pools}
{extra}
'''

    # --- programs ---------------------------------------------------------------------------------------------------

    @property
    def redis_socket(self):
        return self.directory / "redis.sock"

    def run(self, name, *arguments):
        program = Program(name, arguments, self.directory)
        self.programs.append(program)
        return program

    def start(self):
        """Redis, when this stack has one, then the gateway, ready. What started is ended when the rest does not."""
        try:
            if self.with_redis:
                self.start_redis()
            self.start_gateway()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def start_redis(self):
        self.redis = self.run("redis", "redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--dir",
                              self.directory, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                              "--maxmemory-policy", "noeviction")
        wait_until("Redis answers", lambda: self.redis_cli("ping").strip() == "PONG")

    def redis_cli(self, *arguments):
        done = subprocess.run(["redis-cli", "-s", self.redis_socket, *map(str, arguments)], capture_output=True, text=True)
        return done.stdout

    def gateway_command(self):
        return BUILD / "gateway" / "ringtraced", "--config", self.configuration

    def start_gateway(self, ready=True):
        self.gateway = self.run("ringtraced", *self.gateway_command())
        self.wait_for_gateway(ready)

    def wait_for_gateway(self, ready=True):
        """Until /readyz (or, where readiness is not to be had, /healthz) answers 200."""
        page = "readyz" if ready else "healthz"

        def answers():
            if not self.gateway.alive():
                raise AssertionError(f"ringtraced ended: {self.gateway.output()[-3000:]}")
            return self.http(page)[0] == 200

        wait_until(f"the gateway's /{page}", answers)

    def reload(self):
        """SIGHUP, until the gateway has said what it made of it."""
        taken = self.gateway.output().count(" configuration ")
        self.gateway.process.send_signal(signal.SIGHUP)
        wait_until("the reload is told", lambda: self.gateway.output().count(" configuration ") > taken)

    def http(self, page):
        """(status, body); (0, "") when nothing listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/{page}", timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0, ""

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        status, body = self.http("metrics")
        assert status == 200, body
        lines = (line.rsplit(" ", 1) for line in body.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def metric(self, name, **labels):
        """The sum of a metric's series that carry these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if series.split("{")[0] == name and all(label in series for label in wanted))

    # --- services ---------------------------------------------------------------------------------------------------

    def ctl(self, *arguments, check=True, input=None):
        """Runs ringtracectl; its CompletedProcess."""
        done = subprocess.run([BUILD / "gateway" / "ctl" / "ringtracectl", "--server", f"127.0.0.1:{self.grpc_port}",
                               *map(str, self.ctl_options), *map(str, arguments)], capture_output=True, text=True,
                              timeout=2 * DEADLINE, input=input)
        if check and done.returncode != 0:
            raise AssertionError(f"ringtracectl {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}")
        return done

    def ctl_json(self, *arguments, input=None):
        """The objects that `ringtracectl --json` prints, one a line."""
        return [json.loads(line) for line in self.ctl("--json", *arguments, input=input).stdout.splitlines()]

    def lease(self, visit, pool="main", **options):
        flags = [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", value)]
        return self.ctl_json("lease", "--pool", pool, "--visit", visit, *flags)[0]

    def get(self, visit, pool="main"):
        return self.ctl_json("get", "--pool", pool, "--visit", visit)[0]

    def resolve(self, number, *arguments):
        return self.ctl_json("resolve", number, *arguments)[0]

    def events(self, count):
        """The first `count` events of the log, waiting for those that have not come yet."""
        return self.ctl_json("calls", "--from", "oldest", "--follow", "--limit", count)

    # --- calls ------------------------------------------------------------------------------------------------------

    def sipp(self, name, scenario, *arguments):
        path = SCENARIOS / scenario
        if not path.exists():
            path = QUICKSTART_SCENARIOS / scenario
        return self.run(name, "sipp", "-sf", path, "-i", "127.0.0.1", "-nostdin", "-trace_msg", "-message_file",
                        self.directory / f"{name}.messages", "-trace_err", "-error_file",
                        self.directory / f"{name}.errors", *arguments)

    def line(self, scenario="line.xml", ring_ms=100, name="line", port=None):
        """The company's line, answering any number of calls."""
        return self.sipp(name, scenario, "-p", port or self.line_port, "-d", ring_ms)

    def caller(self, dialed, scenario="caller.xml", caller=CALLER, talk_ms=100, name="caller", arguments=()):
        """One call under way."""
        return self.sipp(name, scenario, f"127.0.0.1:{self.sip_port}", "-p", free_port(), "-s", dialed, "-key", "caller",
                         caller, "-m", 1, "-d", talk_ms, "-timeout", f"{DEADLINE:.0f}s", "-timeout_error", *arguments)

    def call(self, dialed, scenario="caller.xml", **options):
        """One call from beginning to end, which must go as the scenario says."""
        program = self.caller(dialed, scenario, **options)
        code = program.wait(2 * DEADLINE)
        assert code == 0, f"the call to {dialed} failed ({code}):\n{program.output()[-3000:]}"

    def line_messages(self, name="line"):
        """What a line has sent and received, as SIPp wrote it down."""
        return (self.directory / f"{name}.messages").read_text(errors="replace")


def kind(event):
    """"RINGING" of an event."""
    return event["type"].removeprefix("CALL_EVENT_TYPE_")


def outcome(event):
    return event["call"]["outcome"].removeprefix("CALL_OUTCOME_")


def method(event_or_resolution):
    resolution = event_or_resolution.get("call", event_or_resolution).get("resolution", event_or_resolution)
    return resolution["method"].removeprefix("RESOLUTION_METHOD_")


def seconds(duration):
    """Of a JSON duration, such as "1.5s"."""
    return float(duration.removesuffix("s"))
