"""What the services promise beyond the life of a gateway, seen by a gRPC client that is not ours."""

import queue
import signal
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from stack import BUILD, DEADLINE, Stack, wait_until

_set = descriptor_pb2.FileDescriptorSet.FromString((BUILD / "proto" / "ringtrace.protoset").read_bytes())
_pool = descriptor_pool.DescriptorPool()
for _file in _set.file:
    _pool.Add(_file)
_factory = message_factory.MessageFactory(_pool)


def message(name):
    return _factory.GetPrototype(_pool.FindMessageTypeByName(f"ringtrace.v1.{name}"))


class Services:
    """The methods of a stack's gateway: `call("PoolService", "GetPool", name="pools/main")`."""

    def __init__(self, stack):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{stack.grpc_port}", [("grpc.enable_http_proxy", 0)])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, service, method, **fields):
        stub = self.channel.unary_unary(f"/ringtrace.v1.{service}/{method}",
                                        request_serializer=lambda request: request.SerializeToString(),
                                        response_deserializer=message(f"{method}Response").FromString)
        return stub(message(f"{method}Request")(**fields), timeout=DEADLINE)

    def events(self, requests):
        stub = self.channel.stream_stream("/ringtrace.v1.CallService/StreamCallEvents",
                                          request_serializer=lambda request: request.SerializeToString(),
                                          response_deserializer=message("StreamCallEventsResponse").FromString)
        return stub(iter(requests.get, None), timeout=DEADLINE)


def take(services, count, acknowledge=0):
    """The next `count` event ids of the subscription "crm", of which the first `acknowledge` are acknowledged."""
    request = message("StreamCallEventsRequest")
    requests = queue.SimpleQueue()
    requests.put(request(start={"subscription": "crm"}))
    stream = services.events(requests)
    events = [next(stream).event for _ in range(count)]
    if acknowledge:
        requests.put(request(ack_cursor=events[acknowledge - 1].cursor))
    requests.put(None)
    return [event.event_id.rsplit("-", 1)[1] for event in events], stream


class ServicesTest(unittest.TestCase):
    def test_a_subscription_goes_on_after_what_it_acknowledged_when_the_gateway_was_killed(self):
        with Stack().start() as stack:
            stack.line()
            stack.call(stack.lease("visit-1")["number"])
            with Services(stack) as services:
                words, stream = take(services, 3, acknowledge=2)
                self.assertEqual(words, ["ringing", "answered", "ended"])
                place = "hget", "rt:{calls}:subscriptions", "crm"
                wait_until("the acknowledgement is kept",
                           lambda: not stack.redis_cli(*place).startswith("-"))
                stream.cancel()
            stack.gateway.kill()
            stack.start_gateway()
            with Services(stack) as services:
                self.assertEqual(take(services, 1)[0], ["ended"])

    def test_calls_are_listed_and_told_with_their_candidates_also_after_a_restart(self):
        with Stack().start() as stack:
            stack.line()
            number = stack.lease("visit-1", utm_source="google", utm_medium="cpc")["number"]
            stack.call(number)
            stack.events(3)
            stack.gateway.kill()
            stack.start_gateway()
            with Services(stack) as services:
                for asked in ({}, {"dialed_number": number}, {"source": "google/cpc"}, {"pool": "pools/main"},
                              {"outcome": 1}):
                    calls = services.call("CallService", "ListCalls", **asked).calls
                    self.assertEqual([call.dialed_number for call in calls], [number], asked)
                for asked in ({"source": "bing/cpc"}, {"outcome": 2}, {"dialed_number": "+12025550109"}):
                    self.assertEqual(len(services.call("CallService", "ListCalls", **asked).calls), 0, asked)
                call = services.call("CallService", "GetCall", call_id=calls[0].call_id).call
                self.assertEqual(call.resolution.visit.visit_id, "visit-1")
                self.assertEqual([one.visit_id for one in call.resolution.candidates], ["visit-1"])
                with self.assertRaises(grpc.RpcError) as refused:
                    services.call("CallService", "GetCall", call_id="nobody")
                self.assertEqual(refused.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_numbers_added_and_drained_stay_so_when_the_gateway_was_killed(self):
        with Stack().start() as stack:
            with Services(stack) as services:
                added, drained = "+12025550155", "+12025550101"
                self.assertEqual(services.call("PoolService", "AddNumbers", name="pools/main",
                                               numbers=[added]).added_count, 1)
                self.assertEqual(services.call("PoolService", "DrainNumbers", name="pools/main",
                                               numbers=[drained]).drained_count, 1)
                before = {f"visit-{i}": stack.lease(f"visit-{i}")["number"] for i in range(10)}
                self.assertIn(added, before.values())
                self.assertNotIn(drained, before.values())
            stack.gateway.kill()
            stack.start_gateway()
            with Services(stack) as services:
                capacity = services.call("PoolService", "GetPool", name="pools/main").pool.capacity
                self.assertEqual((capacity.total_count, capacity.drained_count, capacity.leased_count), (11, 1, 10))
                self.assertEqual({visit: stack.get(visit)["number"] for visit in before}, before)

    def test_numbers_that_may_stand_in_browsers_are_told_as_held_back(self):
        with Stack().start() as stack:
            stack.lease("visit-1")
            stack.gateway.terminate()
            stack.gateway.wait()
            stack.redis_cli("flushall")
            stack.start_gateway()
            with Services(stack) as services:
                capacity = services.call("PoolService", "GetPool", name="pools/main").pool.capacity
                self.assertEqual((capacity.held_back_count, capacity.reserved_count, capacity.free_count), (10, 0, 0))
                self.assertEqual(stack.metric("ringtrace_pool_held_back_numbers"), 10)

    def test_hangup_changes_numbers_but_those_the_services_had_the_last_word_on(self):
        with Stack().start() as stack:
            with Services(stack) as services:
                stopped = "+12025550155"
                services.call("PoolService", "AddNumbers", name="pools/main", numbers=[stopped])
                services.call("PoolService", "DrainNumbers", name="pools/main", numbers=[stopped])

                def capacity():
                    counts = services.call("PoolService", "GetPool", name="pools/main").pool.capacity
                    return counts.free_count, counts.drained_count

                self.assertEqual(capacity(), (10, 1))
                # While Redis is away what the file says waits, for what the store says.
                stack.redis.process.send_signal(signal.SIGSTOP)
                before = stack.configuration.read_text()
                after = before.replace("+12025550101-+12025550110", "+12025550103-+12025550160")
                stack.configuration.write_text(after)
                stack.reload()
                self.assertEqual(capacity(), (10, 1))
                stack.redis.process.send_signal(signal.SIGCONT)
                wait_until("the fresh numbers are lent", lambda: capacity() == (57, 3))
                lent = {stack.lease(f"visit-{i}")["number"] for i in range(57)}
                self.assertEqual(lent, {f"+12025550{i}" for i in range(103, 161)} - {stopped})

                stack.configuration.write_text(before)
                stack.reload()
                wait_until("the former numbers are lent again", lambda: capacity() == (2, 1))
                for i in range(57):
                    stack.ctl("release", "--pool", "main", "--visit", f"visit-{i}")
                self.assertEqual({stack.lease("visit-a")["number"], stack.lease("visit-b")["number"]},
                                 {"+12025550101", "+12025550102"})


if __name__ == "__main__":
    unittest.main()
