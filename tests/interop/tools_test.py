"""SIPp's built-in answering side and sipsak, over IPv4 and IPv6, and from one to the other."""

import subprocess
import unittest

from peers import Gateway, answers_options, free_port
from stack import outcome

TRUNK = '[[trunk]]\nname = "carrier"\naddresses = ["127.0.0.1", "::1"]'


class Tools(unittest.TestCase):
    def scenario(self, stack, name):
        """A built-in scenario with what its own comments say that a record-routing proxy needs."""
        text = subprocess.run(["sipp", "-sd", name], capture_output=True, text=True).stdout
        text = text.replace('<recv request="INVITE" crlf="true">', '<recv request="INVITE" crlf="true" rrs="true">')
        text = text.replace("[last_Via:]", "[last_Via:]\n      [last_Record-Route:]")
        text = text.replace('<recv response="200" rtd="true">', '<recv response="200" rtd="true" rrs="true">')
        for method, number in (("ACK", 1), ("BYE", 2)):
            text = text.replace(f"{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0", f"{method} [next_url] SIP/2.0")
            text = text.replace(f"CSeq: {number} {method}", f"CSeq: {number} {method}\n      [routes]")
        path = stack.directory / f"{name}.xml"
        path.write_text(text)
        return path

    def calls(self, caller_host, line_host):
        """Five calls from SIPp's built-in `uac` to its built-in `uas`."""
        port, line = free_port(), free_port()
        listen = [f"udp:127.0.0.1:{port}", f"udp:[::1]:{port}"]
        shown = f"[{line_host}]" if ":" in line_host else line_host
        lines = f'[[line_group.line]]\nname = "uas"\naddress = "udp:{shown}:{line}"'
        with Gateway("", TRUNK, lines, listen).start() as stack:
            stack.run("uas", "sipp", "-sf", self.scenario(stack, "uas"), "-i", line_host, "-p", line, "-nostdin")
            target = f"[{caller_host}]:{port}" if ":" in caller_host else f"{caller_host}:{port}"
            caller = stack.run("uac", "sipp", "-sf", self.scenario(stack, "uac"), target, "-i", caller_host, "-p",
                               free_port(), "-s", "+12025550101", "-m", 5, "-r", 50, "-d", 100, "-nostdin", "-timeout",
                               "30s", "-timeout_error")
            self.assertEqual(caller.wait(), 0, caller.output()[-3000:])
            ended = [event for event in stack.events(15) if event["type"].endswith("ENDED")]
            self.assertEqual([outcome(event) for event in ended], ["ANSWERED"] * 5)

    def test_over_ipv4(self):
        self.calls("127.0.0.1", "127.0.0.1")

    def test_over_ipv6(self):
        self.calls("::1", "::1")

    def test_from_ipv4_to_ipv6_and_back(self):
        self.calls("127.0.0.1", "::1")
        self.calls("::1", "127.0.0.1")

    def test_sipsak_is_answered_at_once(self):
        port = free_port()
        lines = '[[line_group.line]]\nname = "none"\naddress = "udp:127.0.0.1:9"'
        with Gateway("", TRUNK, lines, [f"udp:127.0.0.1:{port}"]).start():
            done = subprocess.run(["sipsak", "-vv", "-s", f"sip:ping@127.0.0.1:{port}"], capture_output=True, text=True,
                                  timeout=30)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("200 OK", done.stdout)
            # sipsak's own flood of one message with a broken header order and a random string of garbage.
            subprocess.run(["sipsak", "-R", "-t", "50", "-s", f"sip:ping@127.0.0.1:{port}"], capture_output=True,
                           timeout=30)
            self.assertTrue(answers_options("127.0.0.1", port, timeout=5))


if __name__ == "__main__":
    unittest.main()
