"""Clients that are not ours: Node's grpc-js, Python's grpcio, and the README's examples in each language."""

import hashlib
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import unittest

import services
from readme_block import block
from stack import BUILD, DEADLINE, ROOT, Stack, wait_until

NODE = pathlib.Path(__file__).resolve().parent / "node"
PHP = NODE.parent / "php"


def node_modules():
    """The directory with what package-lock.json names, installed when it is not there yet."""
    lock = (NODE / "package-lock.json").read_bytes()
    directory = BUILD / "node" / hashlib.sha256(lock).hexdigest()[:16]
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, directory)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
                              cwd=directory, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError("npm could not install @grpc/grpc-js; is its registry (https://registry.npmjs.org, or "
                                 f"the one in .npmrc) to be reached from here?\n{done.stdout}{done.stderr}")
        (directory / "complete").touch()
    return directory / "node_modules"


class Node(unittest.TestCase):
    def test_a_backend_leases_renews_and_acknowledges_through_a_killed_gateway(self):
        modules = node_modules()
        with Stack().start() as stack:
            stack.line()
            script = shutil.copy(NODE / "client.js", stack.directory)
            (stack.directory / "node_modules").symlink_to(modules)
            backend = stack.run("backend", "node", script, ROOT / "proto", f"127.0.0.1:{stack.grpc_port}", 6)

            def told(what):
                lines = [json.loads(line) for line in backend.output().splitlines() if line.startswith("{")]
                return [line[what] for line in lines if what in line]

            wait_until("the backend has leased", lambda: told("lease"))
            lease = told("lease")[0]
            self.assertTrue(lease["durable"])
            self.assertEqual(lease["source"], "google/cpc")
            self.assertGreater(int(told("renewed")[0]["expire_time"]["seconds"]), int(lease["expire_time"]["seconds"]))

            stack.call(lease["number"])
            wait_until("three events have come", lambda: len(told("event")) == 3)
            # The backend itself remembers nothing: where it goes on is what it has acknowledged.
            seen = told("event")[-1]["cursor"]
            wait_until("the acknowledgement is kept", lambda: seen in stack.redis_cli("hget", "rt:{calls}:subscriptions", "crm"))
            stack.gateway.kill()
            stack.start_gateway()
            stack.call(lease["number"], name="second")
            self.assertEqual(backend.wait(), 0, backend.output()[-2000:])
            events = told("event")
            self.assertTrue(told("again"))
            self.assertEqual([event["event_id"] for event in events], [event["event_id"] for event in stack.events(6)])
            for event in events:
                visit = event["call"]["resolution"]["visit"]
                self.assertEqual((visit["visit_id"], visit["visitor_id"]), ("visit-node", "browser-node"))


class Python(unittest.TestCase):
    def test_a_backend_leases_renews_and_releases(self):
        with Stack(redis=False).start() as stack:
            leases = services.leases(services.connect(stack))
            held = {"parent": "pools/main", "visit_id": "visit-1"}
            lease = leases.LeaseNumber(services.lease_request("visit-1", utm_source="google"), timeout=DEADLINE).lease
            renew = services.lease_service_pb2.RenewLeaseRequest(**held)
            renew.ttl.seconds = 7200
            self.assertGreater(leases.RenewLease(renew, timeout=DEADLINE).lease.expire_time.seconds,
                               lease.expire_time.seconds)
            leases.ReleaseLease(services.lease_service_pb2.ReleaseLeaseRequest(**held), timeout=DEADLINE)
            said = services.refusal(lambda: leases.GetLease(services.lease_service_pb2.GetLeaseRequest(**held),
                                                            timeout=DEADLINE))
            self.assertEqual((said.code, said.reason), ("NOT_FOUND", "LEASE_NOT_FOUND"))
            self.assertEqual(said.metadata, {"pool": "main", "visit_id": "visit-1"})


    def test_a_reader_acknowledges_and_goes_on_there_the_next_time(self):
        with Stack().start() as stack:
            stack.line()
            stack.call(stack.lease("visit-1")["number"])
            told = [event["event_id"] for event in stack.events(3)]
            words = services.call_service_pb2

            def read(count, acknowledge):
                requests = queue.SimpleQueue()
                requests.put(words.StreamCallEventsRequest(start=words.CallEventsStart(subscription="crm")))
                with services.connect(stack) as channel:
                    stream = services.calls(channel).StreamCallEvents(iter(requests.get, None), timeout=DEADLINE)
                    events = [next(stream).event for _ in range(count)]
                    requests.put(words.StreamCallEventsRequest(ack_cursor=events[acknowledge - 1].cursor))
                    wait_until("the acknowledgement is kept", lambda: events[acknowledge - 1].cursor in
                               stack.redis_cli("hget", "rt:{calls}:subscriptions", "crm"))
                    stream.cancel()
                    requests.put(None)
                return [event.event_id for event in events]

            self.assertEqual(read(3, acknowledge=2), told)
            self.assertEqual(read(1, acknowledge=1), told[2:])


class Readme(unittest.TestCase):
    """The README's examples run as they stand, against a gateway that has had a call."""

    def run_example(self, stack, *command, **environment):
        done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE,
                              env=dict(os.environ, RINGTRACE_SERVER=f"127.0.0.1:{stack.grpc_port}", **environment))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_each_example_runs(self):
        modules = node_modules()
        with Stack(redis=False).start() as stack:
            stack.line()
            number = stack.lease("visit-0", utm_source="google")["number"]
            stack.call(number)
            ringing = stack.events(1)[0]
            examples = {"python": ("example.py", sys.executable), "js": ("example.js", "node")}
            for language, (name, program) in examples.items():
                with self.subTest(language):
                    file = stack.directory / name
                    file.write_text(block(language))
                    said = self.run_example(stack, program, file, PYTHONPATH=services.stubs(), NODE_PATH=str(modules))
                    self.assertIn("show +120255501", said)
                    self.assertIn(ringing["event_id"] + " google", said)
            with self.subTest("cpp"):
                self.assertIn("show +120255501", self.run_example(stack, BUILD / "tests" / "grpc" / "readme_client"))
            with self.subTest("php"):
                # Debian has no gRPC extension for PHP: autoload.php has another transport.
                (stack.directory / "vendor").mkdir()
                shutil.copy(PHP / "autoload.php", stack.directory / "vendor")
                file = stack.directory / "example.php"
                file.write_text(block("php"))
                said = self.run_example(stack, "php", "-d", f"include_path={stack.directory}", file,
                                        RINGTRACE_PHP_STUBS=services.php_stubs(stack.directory))
                self.assertIn("show +120255501", said)
                self.assertEqual(stack.get("visit-php")["source"], "google")


if __name__ == "__main__":
    unittest.main()
