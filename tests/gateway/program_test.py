"""ringtraced as a program: arguments, exit codes, signals. Without a store, on free loopback ports."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RINGTRACE_BUILD", ROOT / ".build" / "debug"))
RINGTRACED = BUILD / "gateway" / "ringtraced"
DEADLINE = 60.0

CONFIGURATION = """
[grpc]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[sip]
listen = ["udp:127.0.0.1:0"]
default_line_group = "office"
no_provisional_timeout = "30s"
health_interval = "0s"
[[trunk]]
name = "carrier"
addresses = ["127.0.0.1"]
[[line_group]]
name = "office"
[[line_group.line]]
name = "reception"
address = "udp:127.0.0.1:{line}"
[[pool]]
name = "main"
numbers = ["+12025550101-+12025550110"]
fallback = "+12025550100"
"""

INVITE = """INVITE sip:+12025550101@127.0.0.1:{sip} SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bKone
From: <sip:+12025550190@127.0.0.1>;tag=one
To: <sip:+12025550101@127.0.0.1>
Call-ID: one
CSeq: 1 INVITE
Contact: <sip:127.0.0.1:{own}>
Max-Forwards: 70
Content-Length: 0

"""


class Gateway:
    """A running ringtraced; its lines are read as they come."""

    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="ringtrace-test-")
        self.file = pathlib.Path(self._temporary.name) / "ringtrace.toml"
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.line.settimeout(DEADLINE)
        self.write(CONFIGURATION.format(line=self.line.getsockname()[1]))
        self.log = pathlib.Path(self._temporary.name) / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([RINGTRACED, "--config", self.file], stderr=log, stdin=subprocess.DEVNULL)
        self.ready = self.wait_for(" info ready ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.line.close()
        self._temporary.cleanup()

    def write(self, text):
        self.text = text
        self.file.write_text(text)

    def wait_for(self, words):
        """The first line that holds `words`."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            lines = self.log.read_text(errors="replace").splitlines()
            found = [line for line in lines if words in line]
            if found:
                return found[0]
            assert self.process.poll() is None, "\n".join(lines)
            time.sleep(0.02)
        raise AssertionError(f"no line with {words!r}:\n" + "\n".join(lines))

    def field(self, key):
        return next(word.split("=", 1)[1] for word in self.ready.split() if word.startswith(key + "="))


class Program(unittest.TestCase):
    def test_help_and_version_go_to_the_output(self):
        for argument, words in (("--help", "Examples:"), ("--version", "ringtraced ")):
            done = subprocess.run([RINGTRACED, argument], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(words, done.stdout)

    def test_without_a_configuration_it_says_what_to_give(self):
        done = subprocess.run([RINGTRACED], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--config FILE", done.stderr)

    def test_the_check_tells_what_a_good_file_holds(self):
        with Gateway() as gateway:
            done = subprocess.run([RINGTRACED, "--config", gateway.file, "--check"], capture_output=True, text=True,
                                  timeout=DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, "ok: 1 pool, 10 numbers, 1 trunk, 1 line group, store: none (memory only)\n")

    def test_the_check_tells_every_mistake(self):
        with Gateway() as gateway:
            gateway.write(gateway.text.replace("fallback =", "fallbck =").replace("addresses =", "adresses ="))
            done = subprocess.run([RINGTRACED, "--config", gateway.file, "--check"], capture_output=True, text=True,
                                  timeout=DEADLINE)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("did you mean 'fallback'?", done.stderr)
            self.assertIn("did you mean 'addresses'?", done.stderr)

    def test_terminate_and_interrupt_end_it_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), Gateway() as gateway:
                gateway.process.send_signal(number)
                self.assertEqual(gateway.process.wait(DEADLINE), 0)
                self.assertIn(" info stopped", gateway.log.read_text())

    def test_a_second_signal_ends_it_at_once(self):
        with Gateway() as gateway, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            # A call that waits for a silent line keeps the gateway draining.
            caller.bind(("127.0.0.1", 0))
            port = int(gateway.field("sip").rsplit(":", 1)[1])
            text = INVITE.format(sip=port, own=caller.getsockname()[1])
            caller.sendto(text.replace("\n", "\r\n").encode(), ("127.0.0.1", port))
            self.assertTrue(gateway.line.recv(65_535).startswith(b"INVITE "))
            gateway.process.terminate()
            gateway.wait_for(" info draining")
            self.assertIsNone(gateway.process.poll())
            gateway.process.terminate()
            self.assertEqual(gateway.process.wait(DEADLINE), 1)
            self.assertNotIn(" info stopped", gateway.log.read_text())

    def test_hangup_with_a_bad_file_changes_nothing(self):
        with Gateway() as gateway:
            gateway.write(gateway.text.replace("fallback =", "fallbck ="))
            gateway.process.send_signal(signal.SIGHUP)
            self.assertIn("mistakes=", gateway.wait_for("configuration not taken over: nothing has changed"))
            self.assertIn("did you mean 'fallback'?", gateway.log.read_text())
            gateway.process.terminate()
            self.assertEqual(gateway.process.wait(DEADLINE), 0)

    def test_hangup_takes_over_lines_and_names_what_needs_a_restart(self):
        with Gateway() as gateway, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            other.bind(("127.0.0.1", 0))
            other.settimeout(DEADLINE)
            caller.bind(("127.0.0.1", 0))
            changed = CONFIGURATION.format(line=other.getsockname()[1]).replace("fallback =", 'ttl = "1h"\nfallback =')
            gateway.write(changed)
            gateway.process.send_signal(signal.SIGHUP)
            self.assertIn("restart=pool", gateway.wait_for("configuration taken over"))
            port = int(gateway.field("sip").rsplit(":", 1)[1])
            text = INVITE.format(sip=port, own=caller.getsockname()[1])
            caller.sendto(text.replace("\n", "\r\n").encode(), ("127.0.0.1", port))
            self.assertTrue(other.recv(65_535).startswith(b"INVITE "))


if __name__ == "__main__":
    unittest.main()
