"""An end of SIP dialogs over UDP that says exactly what a test wants it to, from any loopback address."""

import itertools
import re
import socket
import time

from stack import DEADLINE

_branches = itertools.count(1)


def header(message, name):
    """The value of the first such header; "" when there is none."""
    found = re.search(rf"^{name}: *(.*?)\r$", message, re.MULTILINE | re.IGNORECASE)
    return found.group(1) if found else ""


def uri(value):
    """Of a header such as `"A" <sip:a@b;lr>;tag=1`."""
    return value[value.index("<") + 1:value.index(">")]


class Peer:
    """A bound socket. `host` is where its messages come from; any free port where none is given."""

    def __init__(self, host, port=0):
        self.host = host
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.port = self.socket.getsockname()[1]
        self.contact = f"Contact: <sip:{host}:{self.port}>"
        self.source = None  # of the latest message received

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def request(self, to, method, target, *lines):
        """Sends a request to the (host, port) `to`, in a transaction of its own."""
        via = f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK-peer-{next(_branches)}"
        self._send(to, f"{method} {target} SIP/2.0", via, "Max-Forwards: 70", *lines)

    def answer(self, request, status, tag, *lines):
        """Answers to where the request came from; `tag` stands in To unless it has one."""
        same = [line for line in request.split("\r\n")
                if line.split(":")[0] in ("Via", "Record-Route", "From", "Call-ID", "CSeq")]
        to = header(request, "To")
        to += "" if ";tag=" in to else f";tag={tag}"
        self._send(self.source, f"SIP/2.0 {status} Test", *same, f"To: {to}", *lines)

    def receive(self, begins, deadline=DEADLINE):
        """The next message whose first line begins so; what else comes, such as a retransmission, is passed over."""
        end = time.monotonic() + deadline
        while True:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                data, self.source = self.socket.recvfrom(65_536)
            except socket.timeout:
                raise AssertionError(f"no {begins!r} came in {deadline:.0f} s") from None
            message = data.decode(errors="replace")
            if message.startswith(begins):
                return message

    def has_nothing(self):
        """Nothing has come that was not received."""
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(65_536)
        except BlockingIOError:
            return True

    def _send(self, to, *lines):
        self.socket.sendto("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode(), to)
