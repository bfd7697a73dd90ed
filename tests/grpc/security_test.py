"""Who is let in, to what, and what those hear who are not."""

import datetime
import hashlib
import json
import shutil
import signal
import socket
import ssl
import unittest

import grpc
import services
from services import Authority, bearer, lease_request, refusal
from stack import CALLER, Stack, wait_until

TOKENS = {"shop": "rt_shop_secret", "crm": "rt_crm_secret", "office": "rt_office_secret",
          "branch": "rt_branch_secret", "both": "rt_both_secret"}

TWO_POOLS = '''
[[pool]]
name = "main"
numbers = ["+12025550101-+12025550110"]
fallback = "+12025550100"
[[pool]]
name = "other"
numbers = ["+12025550151-+12025550152"]
fallback = "+12025550160"
'''


def token_table(name, scopes, pools=None):
    digest = hashlib.sha256(TOKENS[name].encode()).hexdigest()
    return (f'[[token]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = {json.dumps(scopes)}\n'
            + (f"pools = {json.dumps(pools)}\n" if pools else ""))


def serial_of(stack):
    """Of the certificate that a new connection is shown."""
    return hashlib.sha256(ssl.get_server_certificate(("127.0.0.1", stack.grpc_port)).encode()).hexdigest()


class Tokens(unittest.TestCase):
    def test_each_token_does_what_it_may_and_hears_why_not_else(self):
        with Stack(redis=False, pools=TWO_POOLS, grpc='token_file = "tokens.toml"') as stack:
            file = stack.directory / "tokens.toml"
            file.write_text(token_table("shop", ["lease"], ["main"]) + token_table("crm", ["read"], ["main"])
                            + token_table("branch", ["read"], ["other"])
                            + token_table("both", ["read", "admin"], ["main", "other"])
                            + token_table("office", ["lease", "read", "admin"]))
            stack.start()
            channel = services.connect(stack)

            def lease(token, pool="main"):
                return services.leases(channel).LeaseNumber(lease_request("visit-1", pool), timeout=services.deadline(),
                                                            metadata=bearer(token) if token else None)

            self.assertTrue(lease(TOKENS["shop"]).lease.number.startswith("+1202555"))
            for token, pool, code, reason in (
                    (None, "main", "UNAUTHENTICATED", "TOKEN_MISSING"),
                    ("rt_shop_secreT", "main", "UNAUTHENTICATED", "TOKEN_UNKNOWN"),
                    (TOKENS["crm"], "main", "PERMISSION_DENIED", "SCOPE_MISSING"),
                    (TOKENS["shop"], "other", "PERMISSION_DENIED", "POOL_NOT_ALLOWED"),
                    (TOKENS["shop"], "nowhere", "PERMISSION_DENIED", "POOL_NOT_ALLOWED")):
                with self.subTest(token=token, pool=pool):
                    said = refusal(lambda: lease(token, pool))
                    self.assertEqual((said.code, said.reason), (code, reason))

            # The same by ringtracectl: an exit code and a sentence with the reason.
            done = stack.ctl("lease", "--pool", "other", "--visit", "v", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("TOKEN_MISSING", done.stderr)
            (stack.directory / "shop.token").write_text(TOKENS["shop"] + "\n")
            done = stack.ctl("--token-file", stack.directory / "shop.token", "lease", "--pool", "other", "--visit", "v",
                             check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn('token "shop" is not for pool "other" (POOL_NOT_ALLOWED)', done.stderr)

            # Another pool's calls are not told of, neither by name nor in a list.
            stack.line()
            stack.call(lease(TOKENS["office"]).lease.number)
            wait_until("the call is known", lambda: stack.metric("ringtrace_calls_total", outcome="answered") == 1)
            calls = services.calls(channel)
            everything = services.call_service_pb2.ListCallsRequest()
            listed = calls.ListCalls(everything, timeout=services.deadline(), metadata=bearer(TOKENS["crm"])).calls
            self.assertEqual(len(listed), 1)
            self.assertEqual(len(calls.ListCalls(everything, timeout=services.deadline(),
                                                 metadata=bearer(TOKENS["branch"])).calls), 0)
            said = refusal(lambda: calls.GetCall(services.call_service_pb2.GetCallRequest(call_id=listed[0].call_id),
                                                 timeout=services.deadline(), metadata=bearer(TOKENS["branch"])))
            self.assertEqual((said.code, said.reason), ("PERMISSION_DENIED", "POOL_NOT_ALLOWED"))
            self.assertEqual(said.metadata, {"token": "branch"})
            self.assertNotIn("main", said.message)

            # Who may use several pools and not all hears what to do.
            said = refusal(lambda: calls.ListCalls(everything, timeout=services.deadline(),
                                                   metadata=bearer(TOKENS["both"])))
            self.assertEqual((said.reason, said.metadata), ("FIELD_REQUIRED", {"field": "pool", "token": "both"}))
            self.assertIn('pool is required: token "both" is for several', said.message)
            said = refusal(lambda: calls.EraseCaller(services.call_service_pb2.EraseCallerRequest(caller=CALLER),
                                                     timeout=services.deadline(), metadata=bearer(TOKENS["both"])))
            self.assertEqual((said.code, said.reason), ("PERMISSION_DENIED", "POOL_NOT_ALLOWED"))
            self.assertIn("this needs one for all of them", said.message)

            # A token is taken away, and is of no use at once; a bad file changes nothing.
            file.write_text(token_table("crm", ["read"]))
            stack.reload()
            self.assertEqual(refusal(lambda: lease(TOKENS["shop"])).reason, "TOKEN_UNKNOWN")
            file.write_text("[[token]]\nname = 3\n")
            stack.reload()
            self.assertEqual(refusal(lambda: lease(TOKENS["crm"])).reason, "SCOPE_MISSING")
            self.assertGreaterEqual(stack.metric("ringtrace_grpc_errors_total", reason="TOKEN_UNKNOWN"), 2)

    def test_a_token_made_by_ringtracectl_is_let_in(self):
        with Stack(redis=False, grpc='token_file = "tokens.toml"') as stack:
            made = json.loads(stack.ctl("token", "--json", "--name", "shop", "--scope", "lease", "--pool", "main").stdout)
            (stack.directory / "tokens.toml").write_text(made["table"])
            (stack.directory / "shop.token").write_text(made["token"])
            stack.start()
            stack.ctl_options = ["--token-file", stack.directory / "shop.token"]
            self.assertEqual(stack.lease("visit-1")["kind"], "NUMBER_KIND_DYNAMIC")
            self.assertNotIn(made["token"], (stack.directory / "tokens.toml").read_text())

    def test_nothing_personal_is_logged(self):
        with Stack(redis=False, grpc='token_file = "tokens.toml"') as stack:
            (stack.directory / "tokens.toml").write_text(token_table("office", ["lease", "read"]))
            (stack.directory / "office.token").write_text(TOKENS["office"])
            stack.start()
            stack.ctl_options = ["--token-file", stack.directory / "office.token"]
            stack.line()
            number = stack.lease("visit-of-anna", visitor="browser-of-anna", referrer="https://example.org/anna")["number"]
            stack.call(number)
            self.assertEqual(len(stack.events(3)), 3)
            stack.ctl("lease", "--pool", "anna", "--visit", "visit-of-anna", check=False)
            log = stack.gateway.output()
            for personal in (CALLER, CALLER.lstrip("+"), "anna", TOKENS["office"]):
                self.assertNotIn(personal, log)


class Ports(unittest.TestCase):
    def test_without_credentials_only_loopback_is_listened_on_and_it_is_said(self):
        with Stack(redis=False).start() as stack:
            self.assertIn("gRPC asks for no credentials: only this machine is let in", stack.gateway.output())
            stack.gateway.stop()
            text = stack.configuration.read_text().replace(f"127.0.0.1:{stack.grpc_port}", f"0.0.0.0:{stack.grpc_port}")
            stack.configuration.write_text(text)
            refused = stack.run("refused", *stack.gateway.process.args[:1], "--config", stack.configuration)
            self.assertEqual(refused.wait(), 2)
            self.assertIn("beyond loopback, and anyone there could lease", refused.output())


class Messages(unittest.TestCase):
    def test_messages_out_of_bounds_are_refused_with_their_size_and_the_next_one_is_answered(self):
        with Stack(redis=False).start() as stack:
            channel = services.connect(stack)

            def lease(request):
                return services.leases(channel).LeaseNumber(request, timeout=services.deadline())

            large = lease_request("visit-1", landing_page="x" * (4 * 1024 * 1024))
            said = refusal(lambda: lease(large))
            self.assertEqual((said.code, said.reason), ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"))
            self.assertEqual(said.metadata, {"bytes": str(large.ByteSize()), "max_bytes": "262144"})

            million = lease_request("visit-1")
            million.visit.attributes.extra.update({f"key-{i}": "v" for i in range(1_000_000)})
            said = refusal(lambda: lease(million))
            self.assertEqual((said.code, said.reason), ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"))
            self.assertEqual(said.metadata["bytes"], str(million.ByteSize()))

            # Short enough to be read: the map itself is named.
            thousands = lease_request("visit-1")
            thousands.visit.attributes.extra.update({f"key-{i}": "v" for i in range(10_000)})
            said = refusal(lambda: lease(thousands))
            self.assertEqual((said.code, said.reason), ("INVALID_ARGUMENT", "FIELD_TOO_LONG"))
            self.assertEqual(said.metadata["field"], "visit.attributes")

            self.assertTrue(lease(lease_request("visit-1")).lease.number)

    def test_where_long_messages_are_taken_a_million_attributes_are_refused_by_name(self):
        with Stack(redis=False, grpc=f"max_message_bytes = {16 * 1024 * 1024}\n").start() as stack:
            million = lease_request("visit-1")
            million.visit.attributes.extra.update({f"{i:x}": "v" for i in range(1_000_000)})
            said = refusal(lambda: services.leases(services.connect(stack)).LeaseNumber(million, timeout=services.deadline()))
            self.assertEqual((said.code, said.reason), ("INVALID_ARGUMENT", "FIELD_TOO_LONG"))
            self.assertEqual(said.metadata, {"field": "visit.attributes", "max_bytes": "2048",
                                             "bytes": str(million.visit.attributes.ByteSize())})


class Limits(unittest.TestCase):
    def test_each_limit_of_the_configuration_is_the_gateways(self):
        limits = "max_message_bytes = 4096\nmax_streams_per_client = 2\nmax_event_streams = 3\n"
        with Stack(redis=False, grpc=limits).start() as stack:
            channel = services.connect(stack)
            said = refusal(lambda: services.leases(channel).LeaseNumber(
                lease_request("v", landing_page="x" * 5000), timeout=services.deadline()))
            self.assertEqual((said.reason, said.metadata["max_bytes"]), ("MESSAGE_TOO_LARGE", "4096"))

            watch = services.pools(channel).WatchPools
            everything = services.pool_service_pb2.WatchPoolsRequest()
            open_ones = [watch(everything, timeout=services.deadline()) for _ in range(2)]
            for stream in open_ones:
                next(stream)
            said = refusal(lambda: next(watch(everything, timeout=services.deadline())))
            self.assertEqual((said.code, said.reason, said.metadata["limit"]), ("RESOURCE_EXHAUSTED", "TOO_MANY_STREAMS", "2"))
            self.assertGreater(said.retry, 0)
            for stream in open_ones:
                stream.cancel()

    def test_all_clients_together_have_so_many_streams(self):
        with Stack(redis=False, grpc="max_event_streams = 1\n").start() as stack:
            watch = services.pools(services.connect(stack)).WatchPools
            everything = services.pool_service_pb2.WatchPoolsRequest()
            first = watch(everything, timeout=services.deadline())
            next(first)
            said = refusal(lambda: next(watch(everything, timeout=services.deadline())))
            self.assertEqual((said.reason, said.metadata["limit"]), ("TOO_MANY_STREAMS", "1"))
            first.cancel()

    def test_one_client_has_so_many_requests_under_way(self):
        pools = '[[pool]]\nname = "main"\nnumbers = ["+12025550101-+12025550110"]\ndurability = "required"\non_exhausted = "refuse"\n'
        with Stack(pools=pools, grpc="max_requests_per_client = 2\n", extra="").start() as stack:
            leases = services.leases(services.connect(stack))
            stack.redis.process.send_signal(signal.SIGSTOP)  # whoever asks now waits
            waiting = [leases.LeaseNumber.future(lease_request(f"v-{i}"), timeout=services.deadline()) for i in range(3)]
            refused = []
            for call in waiting:
                try:
                    call.result()
                except grpc.RpcError as error:
                    refused.append(services.Refusal(error).reason)
            self.assertIn("TOO_MANY_REQUESTS", refused)
            self.assertEqual(refused.count("TOO_MANY_REQUESTS"), 1)

    def test_a_connection_that_is_old_is_closed_between_requests(self):
        with Stack(redis=False, grpc='max_connection_age = "1s"\n').start() as stack:
            with socket.create_connection(("127.0.0.1", stack.grpc_port), timeout=services.deadline()) as peer:
                peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
                stream, kind = peer.makefile("rb"), None
                while kind != 7:  # GOAWAY, RFC 9113 section 6.8
                    head = stream.read(9)
                    self.assertEqual(len(head), 9, "closed without GOAWAY")
                    stream.read(int.from_bytes(head[:3], "big"))
                    kind = head[3]


class Tls(unittest.TestCase):
    GRPC = 'tls_certificate = "server.pem"\ntls_private_key = "server.key"\ntls_check_interval = "100ms"\n'

    def stack(self, extra=""):
        stack = Stack(redis=False, grpc=self.GRPC + extra)
        self.addCleanup(stack.__exit__, None, None, None)
        return stack, Authority(stack.directory)

    def said(self, stack, *options):
        done = stack.ctl(*options, "pool", check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        return done.stderr

    def test_a_certificate_is_changed_without_a_restart_and_expires_with_a_word(self):
        stack, authority = self.stack()
        files = authority.issue("server")
        stack.start()
        trusting = ("--tls-ca", authority.file)
        self.assertEqual(stack.ctl(*trusting, "pool").returncode, 0)
        self.assertIn("wrong version number", self.said(stack, "--tls-ca", authority.file, "--server",
                                                        f"127.0.0.1:{stack.http_port}"))
        self.assertIn("--tls or --tls-ca", self.said(stack))
        stranger = Authority(stack.directory, "stranger")
        self.assertIn("the gateway's certificate: ", self.said(stack, "--tls-ca", stranger.file))

        # The key of another certificate is not taken over.
        before, good_key = serial_of(stack), files[1].read_bytes()
        files[1].write_bytes(authority.issue("another")[1].read_bytes())
        wait_until("the mistake is told", lambda: "certificate not taken over" in stack.gateway.output())
        self.assertIn("is not the certificate's key", stack.gateway.output())
        self.assertEqual(serial_of(stack), before)
        files[1].write_bytes(good_key)

        # A new one is, by itself; it is a short one, and the client says what is wrong when it is over.
        authority.issue("server", lasts=datetime.timedelta(seconds=4))
        wait_until("the new certificate is shown", lambda: serial_of(stack) != before)
        wait_until("it has expired", lambda: stack.ctl(*trusting, "pool", check=False).returncode == 3)
        self.assertIn("the gateway's certificate: certificate has expired", self.said(stack, *trusting))
        self.assertLess(stack.metric("ringtrace_grpc_certificate_expiry_timestamp_seconds"),
                        datetime.datetime.now().timestamp())

        # With an expired one the gateway does not start, and says so.
        stack.gateway.stop()
        again = stack.run("again", *stack.gateway.process.args[:1], "--config", stack.configuration)
        self.assertEqual(again.wait(), 2)
        self.assertIn('server.pem" has expired on 20', again.output())

        # SIGHUP does the same as waiting.
        authority.issue("server")
        stack.configuration.write_text(stack.configuration.read_text().replace('"100ms"', '"1h"'))
        stack.start_gateway()
        before = serial_of(stack)
        authority.issue("server")
        stack.reload()
        self.assertNotEqual(serial_of(stack), before)

    def test_a_client_needs_a_certificate_of_the_clients_authority(self):
        stack, authority = self.stack('tls_client_ca = "clients.pem"\n')
        clients = Authority(stack.directory, "clients")
        authority.issue("server")
        stack.start()

        def shown(certificate, key):
            return "--tls-ca", authority.file, "--tls-cert", certificate, "--tls-key", key

        self.assertEqual(stack.ctl(*shown(*clients.issue("good")), "pool").returncode, 0)
        expired = clients.issue("expired", lasts=-datetime.timedelta(minutes=1))
        self.assertIn("expired.pem has expired, and the gateway refuses it", self.said(stack, *shown(*expired)))
        self.assertIn("the gateway asks for a certificate", self.said(stack, "--tls-ca", authority.file))
        self.assertIn("none of its clients' authorities", self.said(stack, *shown(*authority.issue("stranger"))))
        self.assertNotIn("asks for no credentials", stack.gateway.output())
        # The gateway's operator hears why, too.
        self.assertIn('tls_handshake_failed reason="certificate verify failed"', stack.gateway.output())
        self.assertGreaterEqual(stack.metric("ringtrace_grpc_tls_handshakes_failed_total"), 3)

        # Whom it lets in is changed without a restart, too.
        good = clients.issue("good")
        successor = Authority(stack.directory, "successor")
        fresh = successor.issue("fresh")
        shutil.copy(successor.file, clients.file)
        wait_until("the new authority's client is let in",
                   lambda: stack.ctl(*shown(*fresh), "pool", check=False).returncode == 0)
        self.assertIn("none of its clients' authorities", self.said(stack, *shown(*good)))


if __name__ == "__main__":
    unittest.main()
