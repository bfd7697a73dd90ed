"""A call from a phone through a carrier to a company's phone, all of them programs no one here wrote, is carried with its
sound and comes out as attributed events."""

import unittest

from peers import Gateway, free_port, share_of, wait_until
from stack import kind, method, outcome

CALLER_TONE = 440
PHONE_TONE = 700

TRUNK = '''
[[trunk]]
name = "carrier"
registrars = ["udp:127.0.0.1:{edge}"]
account = "100"
account_domain = "carrier.example"
password_file = "password"
dialed_from = ["to"]
region = "US"
'''


class Carrier(unittest.TestCase):
    def stack(self, edge, front, password="secret"):
        gateway = Gateway("", TRUNK.format(edge=edge), f'[[line_group.line]]\nname = "front"\naddress = "udp:127.0.0.1:{front}"')
        (gateway.directory / "password").write_text(password + "\n")
        return gateway

    def registered(self, stack):
        return stack.metric("ringtrace_trunk_registered", trunk="carrier", state="registered") == 1

    def test_a_call_with_its_sound_through_edge_registrar_gateway_and_front(self):
        edge, registrar, front = free_port(), free_port(), free_port()
        with self.stack(edge, front) as stack:
            stack.kamailio("registrar", registrar, ALGORITHM="SHA-256", EXPIRES=3600)
            stack.kamailio("edge", edge, REGISTRAR=registrar)
            phone, phone_port = stack.baresip("phone", PHONE_TONE, auto_answer=True)
            stack.kamailio("front", front, TARGET=f"sip:phone@127.0.0.1:{phone_port}", TLS="", TLS_MODULE="")
            stack.start()
            wait_until("the gateway is registered", lambda: self.registered(stack))
            shown = stack.ctl_json("trunks", "--http", f"127.0.0.1:{stack.http_port}")
            self.assertEqual(shown[0]["state"], "registered")
            self.assertEqual(shown[0]["registrar"], f"udp:127.0.0.1:{edge}")
            self.assertEqual(shown[1]["line"], "front")
            number = stack.lease("visit-1", utm_source="google")["number"]

            caller, _ = stack.baresip("caller", CALLER_TONE, "-e", f"/dial sip:{number[2:]}@carrier.example",
                                      outbound=edge)
            # Two seconds of sound each way.
            wait_until("the phone hears the caller", lambda: len(stack.heard("phone")) > 16_000)
            wait_until("the caller hears the phone", lambda: len(stack.heard("caller")) > 16_000)
            caller.terminate()
            caller.wait()

            events = stack.events(3)
            self.assertEqual([kind(event) for event in events], ["RINGING", "ANSWERED", "ENDED"])
            self.assertEqual(outcome(events[-1]), "ANSWERED")
            self.assertEqual(method(events[-1]), "ACTIVE_LEASE")
            self.assertEqual(events[-1]["call"]["dialed_number"], number)
            self.assertEqual(events[-1]["call"]["trunk"], "carrier")
            self.assertGreater(share_of(stack.heard("phone"), CALLER_TONE), 0.9)
            self.assertGreater(share_of(stack.heard("caller"), PHONE_TONE), 0.9)
            self.assertLess(share_of(stack.heard("phone"), PHONE_TONE), 0.1)
            wait_until("the phone hung up", lambda: "terminated" in phone.output())

    def test_an_account_is_refreshed_and_a_wrong_password_is_told(self):
        edge, registrar = free_port(), free_port()
        with self.stack(edge, free_port()) as stack:
            stack.kamailio("registrar", registrar, ALGORITHM="MD5", EXPIRES=10)
            stack.kamailio("edge", edge, REGISTRAR=registrar)
            stack.start()
            wait_until("the gateway is registered", lambda: self.registered(stack))
            # Ten seconds were granted: the refresh comes after five to eight.
            wait_until("the registration is refreshed",
                       lambda: stack.metric("ringtrace_trunk_registrations_total", trunk="carrier", result="ok") >= 2)
            self.assertTrue(self.registered(stack))

            (stack.directory / "password").write_text("wrong\n")
            stack.gateway.process.send_signal(1)  # SIGHUP
            wait_until("the carrier rejects the password",
                       lambda: stack.metric("ringtrace_trunk_registered", trunk="carrier", state="rejected") == 1)


if __name__ == "__main__":
    unittest.main()
