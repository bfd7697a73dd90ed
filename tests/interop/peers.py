"""SIP peers that no one here wrote: Kamailio, baresip, SIPp's built-in scenarios, sipsak; and a DNS of our own."""

import math
import pathlib
import socket
import socketserver
import struct
import sys
import threading
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from stack import PATIENT, Stack, free_port, wait_until  # noqa: E402  (the path comes first)

CONFIGURATIONS = pathlib.Path(__file__).resolve().parent / "kamailio"
RATE = 8000


def two_ports():
    """A free port whose successor is free too: baresip takes both."""
    while True:
        port = free_port()
        try:
            with socket.socket() as one, socket.socket() as two:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
            return port
        except OSError:
            continue


class Gateway(Stack):
    """A stack with a configuration of its own: `sip` stands in [sip], `trunks` and `lines` after it."""

    def __init__(self, sip, trunks, lines, listen=None):
        super().__init__(redis=False)
        listen = listen or [f"udp:127.0.0.1:{self.sip_port}", f"tcp:127.0.0.1:{self.sip_port}"]
        self.configuration.write_text(f'''
[gateway]
name = "interop"
state_directory = "{self.directory}"
[grpc]
listen = "127.0.0.1:{self.grpc_port}"
[http]
listen = "127.0.0.1:{self.http_port}"
[sip]
listen = [{", ".join(f'"{address}"' for address in listen)}]
default_line_group = "office"
{PATIENT}
{sip.format(stack=self)}
{trunks.format(stack=self)}
[[line_group]]
name = "office"
{lines.format(stack=self)}
[[pool]]
name = "main"
numbers = ["+12025550101-+12025550110"]
fallback = "+12025550100"
''')

    def kamailio(self, name, port, **words):
        """Runs kamailio/NAME.cfg with PORT and these words put in; waits until it answers."""
        text = (CONFIGURATIONS / f"{name}.cfg").read_text()
        for word, value in {"PORT": port, "DIRECTORY": self.directory, **words}.items():
            text = text.replace(f"@{word}@", str(value))
        path = self.directory / f"{name}-{port}.cfg"
        path.write_text(text)
        runtime = self.directory / f"run-{name}-{port}"
        runtime.mkdir(exist_ok=True)
        program = self.run(f"{name}-{port}", "kamailio", "-DD", "-E", "-e", "-m", 32, "-M", 4, "-Y", runtime, "-f", path)
        wait_until(f"Kamailio {name} answers", lambda: answers_options("127.0.0.1", port))
        return program

    def baresip(self, name, tone, *arguments, auto_answer=False, outbound=None):
        """A phone playing a tone of that many hertz; what it hears is written down. (program, port)"""
        port = two_ports()
        home = self.directory / name
        home.mkdir()
        write_tone(home / "tone.wav", tone)
        (home / "config").write_text(f"""poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_player aubridge,sink
audio_source aufile,{home}/tone.wav
audio_alert aubridge,alert
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
snd_path {home}
""")
        account = f"<sip:{name}@127.0.0.1:{port}>;regint=0;audio_codecs=pcmu"
        account += ";answermode=auto" if auto_answer else ""
        account += f';outbound="sip:127.0.0.1:{outbound}"' if outbound else ""
        (home / "accounts").write_text(account + "\n")
        program = self.run(name, "baresip", "-f", home, *arguments)
        wait_until(f"baresip {name} is ready", lambda: "baresip is ready" in program.output())
        return program, port

    def heard(self, name):
        """What a phone has heard so far, as samples."""
        samples = []
        for path in sorted((self.directory / name).glob("dump-*-dec.wav")):
            body = path.read_bytes()[44:]  # the header is finished when the call is
            samples += struct.unpack(f"<{len(body) // 2}h", body[:len(body) // 2 * 2])
        return samples


def write_tone(path, hertz, seconds=30):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        period = [int(12000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE)]
        file.writeframes(struct.pack(f"<{RATE}h", *period) * seconds)


def share_of(samples, hertz):
    """How much of the sound is that tone, 0 to 1 (Goertzel)."""
    energy = sum(sample * sample for sample in samples)
    if energy == 0:
        return 0.0
    angle = 2 * math.pi * hertz / RATE
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + 2 * math.cos(angle) * last - before
    power = before * before + last * last - 2 * math.cos(angle) * before * last
    return 2 * power / (len(samples) * energy)


def answers_options(host, port, timeout=0.3):
    """True when somebody answers a SIP OPTIONS there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((host, port))
        own = client.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        try:
            client.send(f"OPTIONS sip:{shown}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {shown}:{own};branch=z9hG4bK-up\r\n"
                        f"Max-Forwards: 5\r\nFrom: <sip:up@{shown}>;tag=1\r\nTo: <sip:{shown}>\r\nCall-ID: up-{own}\r\n"
                        "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode())
            return client.recv(4096).startswith(b"SIP/2.0 ")
        except OSError:
            return False


class Dns:
    """A name server with a few records that can be changed, silenced and asked how often it was asked.

    `records`: {(name, type): [(ttl, value)]}; a value is an address for "A" and "AAAA", and (priority, weight, port,
    target) for "SRV".
    """

    TYPES = {1: "A", 28: "AAAA", 33: "SRV"}

    def __init__(self, records):
        self.records = records
        self.silent = False
        self.asked = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                question, reply_to = self.request
                answer = None if outer.silent else outer._answer(question)
                if answer:
                    reply_to.sendto(answer, self.client_address)

        self.server = socketserver.UDPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def _answer(self, question):
        end, labels = 12, []
        while question[end]:
            labels.append(question[end + 1:end + 1 + question[end]].decode().lower())
            end += 1 + question[end]
        kind = self.TYPES.get(struct.unpack(">H", question[end + 1:end + 3])[0], "?")
        name = ".".join(labels)
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        exists = any(known == name for known, _ in self.records)
        header = question[:2] + struct.pack(">HHHHH", 0x8180 if exists else 0x8183, 1, len(found), 0, 0)
        return header + question[12:end + 5] + b"".join(self._record(kind, *record) for record in found)

    def _record(self, kind, ttl, value):
        if kind == "SRV":
            priority, weight, port, target = value
            body = struct.pack(">HHH", priority, weight, port)
            body += b"".join(bytes([len(label)]) + label.encode() for label in target.split(".")) + b"\0"
        else:
            body = socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, value)
        number = {text: code for code, text in self.TYPES.items()}[kind]
        return b"\xc0\x0c" + struct.pack(">HHIH", number, 1, ttl, len(body)) + body
