"""How the services begin, stay reachable, and end."""

import queue
import socket
import struct
import threading
import time
import unittest

import grpc
import services
from services import Refusal, lease_request
from stack import DEADLINE, Stack, wait_until

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
SERVICES = ["", "ringtrace.v1.LeaseService", "ringtrace.v1.CallService", "ringtrace.v1.PoolService"]


def health_request(service):
    """A grpc.health.v1.HealthCheckRequest; Debian has no stubs for it."""
    return bytes([0x0A, len(service)]) + service.encode() if service else b""


class EventReader:
    """An event stream from the oldest event or a cursor, read by a thread of its own."""

    def __init__(self, stack, cursor=None):
        self.events = queue.Queue()
        self.refusal = None
        start = services.call_service_pb2.CallEventsStart(**({"cursor": cursor} if cursor else {"oldest": True}))
        request = services.call_service_pb2.StreamCallEventsRequest(start=start)
        self._channel = services.connect(stack)
        self._call = services.calls(self._channel).StreamCallEvents(iter([request]))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for response in self._call:
                self.events.put(response.event)
        except grpc.RpcError as error:
            self.refusal = Refusal(error)

    def take(self, count):
        return [self.events.get(timeout=DEADLINE) for _ in range(count)]

    def end(self):
        """How it ended by itself."""
        self._thread.join(DEADLINE)
        return self.refusal

    def close(self):
        self._call.cancel()
        self._channel.close()


class Operation(unittest.TestCase):
    def test_health_is_told_for_each_service_without_a_token(self):
        with Stack(redis=False, grpc='token_file = "tokens.toml"') as stack:
            (stack.directory / "tokens.toml").write_text(
                f'[[token]]\nname = "a"\nscopes = ["read"]\nsha256 = "{"0" * 64}"\n')
            stack.start()
            check = services.connect(stack).unary_unary("/grpc.health.v1.Health/Check")
            for service in SERVICES:
                self.assertEqual(check(health_request(service), timeout=DEADLINE), SERVING)
            reflect = services.connect(stack).stream_stream(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
            listed = next(iter(reflect(iter([b"\x3a\x00"]), timeout=DEADLINE)))
            for service in SERVICES[1:]:
                self.assertIn(service.encode(), listed)

    def test_a_gateway_that_ends_says_so_first_then_ends_streams_with_their_cursor(self):
        with Stack(grpc='drain_delay = "1s"') as stack:
            stack.start()
            stack.line()
            number = stack.lease("visit-1")["number"]
            stack.call(number)
            stream = EventReader(stack)
            seen = stream.take(3)
            channel = services.connect(stack)
            watch = iter(channel.unary_stream("/grpc.health.v1.Health/Watch")(health_request(SERVICES[1])))
            self.assertEqual(next(watch), SERVING)

            stack.gateway.terminate()
            self.assertEqual(next(watch), NOT_SERVING)
            # Load balancers have been told; who comes all the same is still served.
            lease = services.leases(channel).LeaseNumber(lease_request("visit-2"), timeout=DEADLINE).lease
            self.assertTrue(lease.durable)
            said = stream.end()
            self.assertEqual((said.code, said.reason), ("UNAVAILABLE", "DRAINING"))
            self.assertEqual(said.metadata["cursor"], seen[-1].cursor)
            self.assertGreater(said.retry, 0)
            self.assertEqual(stack.gateway.wait(), 0)

            stack.start_gateway()
            self.assertEqual(stack.get("visit-2")["number"], lease.number)
            stack.call(number, name="second")
            following = EventReader(stack, said.metadata["cursor"])
            ids = [event.event_id for event in seen + following.take(3)]
            self.assertEqual(len(set(ids)), 6)
            self.assertEqual(ids, [event["event_id"] for event in stack.events(6)])
            following.close()

    def test_what_was_acknowledged_while_it_ended_is_there_afterwards(self):
        with Stack(numbers="+12025550101-+12025550999").start() as stack:
            acknowledged = {}
            stop = threading.Event()

            def load(worker):
                leases = services.leases(services.connect(stack))
                for i in range(10_000):
                    try:
                        lease = leases.LeaseNumber(lease_request(f"visit-{worker}-{i}"), timeout=DEADLINE).lease
                        if lease.kind == 1:
                            acknowledged[f"visit-{worker}-{i}"] = lease.number
                    except grpc.RpcError:
                        return
                    if stop.is_set():
                        return

            workers = [threading.Thread(target=load, args=(worker,)) for worker in range(4)]
            for worker in workers:
                worker.start()
            wait_until("leases are lent", lambda: len(acknowledged) > 50)
            stack.gateway.terminate()
            self.assertEqual(stack.gateway.wait(), 0)
            stop.set()
            for worker in workers:
                worker.join(DEADLINE)
            stack.start_gateway()
            leases = services.leases(services.connect(stack))
            for visit, number in acknowledged.items():
                request = services.lease_service_pb2.GetLeaseRequest(parent="pools/main", visit_id=visit)
                self.assertEqual(leases.GetLease(request, timeout=DEADLINE).lease.number, number)

    def test_a_request_whose_time_is_over_when_it_comes_lends_nothing(self):
        with Stack().start() as stack:
            def ask(visit, timeout):
                """LeaseNumber as bytes: a library would not send what is late already. RFC 9113 section 4.1 and 6.2,
                RFC 7541 section 6.2.2 (literals that are not indexed)."""
                def literal(name, value):
                    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()

                def frame(kind, flags, stream, payload):
                    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

                head = b"".join(literal(*field) for field in (
                    (":method", "POST"), (":scheme", "http"), (":path", "/ringtrace.v1.LeaseService/LeaseNumber"),
                    (":authority", "localhost"), ("te", "trailers"), ("content-type", "application/grpc"),
                    ("grpc-timeout", timeout)))
                message = lease_request(visit).SerializeToString()
                return (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4, 1, head)
                        + frame(0, 1, 1, b"\0" + struct.pack(">I", len(message)) + message))

            def send(visit, timeout):
                peer = socket.create_connection(("127.0.0.1", stack.grpc_port), timeout=DEADLINE)
                self.addCleanup(peer.close)
                peer.sendall(ask(visit, timeout))

            send("visit-in-time", "30S")
            wait_until("the first is lent a number", lambda: stack.ctl("get", "--visit", "visit-in-time",
                                                                       check=False).returncode == 0)
            written = stack.redis_cli("dbsize")
            send("visit-late", "0m")
            wait_until("the late one is refused",
                       lambda: stack.metric("ringtrace_grpc_errors_total", reason="DEADLINE_PASSED") == 1)
            self.assertEqual(stack.ctl("get", "--visit", "visit-late", check=False).returncode, 1)
            self.assertEqual(stack.redis_cli("dbsize"), written)

    def test_a_silent_connection_is_asked_for_a_sign_of_life(self):
        with Stack(redis=False, grpc='keepalive_interval = "1s"').start() as stack:
            with socket.create_connection(("127.0.0.1", stack.grpc_port), timeout=DEADLINE) as peer:
                peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
                stream = peer.makefile("rb")
                pinged, end = False, time.monotonic() + DEADLINE
                while not pinged and time.monotonic() < end:
                    head = stream.read(9)  # RFC 9113 section 4.1
                    length, kind, flags = struct.unpack(">I", b"\0" + head[:3])[0], head[3], head[4]
                    stream.read(length)
                    pinged = kind == 6 and not flags & 1
                self.assertTrue(pinged)


if __name__ == "__main__":
    unittest.main()
