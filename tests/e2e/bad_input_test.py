"""Bad input gets a clear answer or a count, and stops nothing."""

import os
import random
import socket
import subprocess
import unittest

from stack import BUILD, DEADLINE, Stack, outcome, wait_until


STRANGER = (b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\n"
            b"Via: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKstranger\r\n"
            b"From: <sip:a@127.0.0.2>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: stranger\r\n"
            b"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")


def ringtraced(*arguments):
    return subprocess.run([BUILD / "gateway" / "ringtraced", *map(str, arguments)], capture_output=True, text=True,
                          timeout=DEADLINE)


class BadInput(unittest.TestCase):
    def test_a_wrong_key_is_named_with_its_line_and_the_nearest_right_one(self):
        with Stack() as stack:
            text = stack.configuration.read_text().replace("fallback =", "fallbck =")
            stack.configuration.write_text(text)
            line = next(i for i, content in enumerate(text.splitlines(), 1) if content.startswith("fallbck"))
            for arguments in (["--config", stack.configuration], ["--config", stack.configuration, "--check"]):
                done = ringtraced(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"{stack.configuration}:{line}:", done.stderr)
                self.assertIn("fallbck", done.stderr)
                self.assertIn("'fallback'", done.stderr)

    def test_a_good_configuration_passes_the_check(self):
        with Stack() as stack:
            done = ringtraced("--config", stack.configuration, "--check")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_missing_file_is_named(self):
        done = ringtraced("--config", "/nonexistent/ringtrace.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/ringtrace.toml", done.stderr)

    def test_a_port_in_use_is_named(self):
        for kind, name in ((socket.SOCK_STREAM, "grpc_port"), (socket.SOCK_STREAM, "http_port"),
                           (socket.SOCK_DGRAM, "sip_port")):
            with self.subTest(name), Stack(redis=False) as stack, socket.socket(socket.AF_INET, kind) as taken:
                port = getattr(stack, name)
                taken.bind(("127.0.0.1", port))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                done = ringtraced("--config", stack.configuration)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(f"127.0.0.1:{port}", done.stdout + done.stderr)

    def test_a_visit_id_out_of_bounds_is_refused(self):
        with Stack(redis=False).start() as stack:
            for visit in ("", "v" * 10_240):
                done = stack.ctl("lease", "--pool", "main", "--visit", visit, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("visit_id", done.stderr)
            self.assertEqual(stack.lease("visit-1")["kind"], "NUMBER_KIND_DYNAMIC")

    def test_an_unknown_pool_is_refused_by_name(self):
        with Stack(redis=False).start() as stack:
            done = stack.ctl("lease", "--pool", "mian", "--visit", "v", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("mian", done.stderr)

    def test_no_gateway_is_said_so(self):
        with Stack(redis=False) as stack:
            done = stack.ctl("get", "--pool", "main", "--visit", "v", check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn(f"127.0.0.1:{stack.grpc_port}", done.stderr)

    def test_garbage_on_the_sip_port_is_counted_and_calls_go_through(self):
        seed = int(os.environ.get("RINGTRACE_SEED", random.randrange(2**32)))
        noise = random.Random(seed)
        print(f"seed {seed}")
        with Stack(redis=False).start() as stack, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            address = ("127.0.0.1", stack.sip_port)
            for _ in range(300):
                peer.sendto(noise.randbytes(noise.randrange(1, 1400)), address)
                peer.sendto(b"INVITE sip:x SIP/2.0\r\n" + noise.randbytes(noise.randrange(1, 200)), address)
            peer.sendto(b"\0" * 65_000, address)
            peer.sendto(b"SIP/2.0 200 OK\r\n\r\n", address)
            # A stranger, from an address that no trunk has, is counted and not answered. After all that noise the
            # kernel may have dropped a datagram: he insists.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.2", 0))
                stranger.setblocking(False)

                def counted():
                    stranger.sendto(STRANGER, address)
                    return stack.metric("ringtrace_sip_refusals_total", reason="unknown_source") >= 1

                wait_until("the stranger is counted", counted)
                with self.assertRaises(BlockingIOError):
                    stranger.recv(4096)

            stack.line()
            stack.call(stack.lease("visit-1")["number"])
            self.assertEqual(outcome(stack.events(3)[-1]), "ANSWERED")


if __name__ == "__main__":
    unittest.main()
