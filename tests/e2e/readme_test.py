"""The README is true: its commands run, its configurations pass the check.

A console block's `$ ringtracectl …` and `$ curl …` lines run here, in order, against one stack whose numbers, ports and
pool are those of the README's own configuration; other commands must be among those continuous integration runs.
"""

import os
import re
import shlex
import subprocess
import tempfile
import unittest

from stack import BUILD, DEADLINE, ROOT, Stack

README = (ROOT / "README.md").read_text()
RUN_BY_CI = (ROOT / ".ci" / "run").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands():
    """Every `$ ` line of the console blocks, continuation lines joined."""
    text = "\n".join(blocks("console")).replace("\\\n", " ")
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


class Readme(unittest.TestCase):
    def test_every_command_runs(self):
        self.assertGreater(len(commands()), 8)
        with Stack().start() as stack:
            stack.line()
            environment = dict(os.environ, RINGTRACE_SERVER=f"127.0.0.1:{stack.grpc_port}",
                               PATH=f"{BUILD / 'gateway' / 'ctl'}:{BUILD / 'gateway'}:{os.environ['PATH']}")
            stack.call(stack.lease("visit-0")["number"])
            for command in commands():
                with self.subTest(command):
                    if shlex.split(command)[0] not in ("ringtracectl", "curl"):
                        self.assertIn(command, RUN_BY_CI)
                        continue
                    command = command.replace("127.0.0.1:7081", f"127.0.0.1:{stack.http_port}")
                    done = subprocess.run(command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True,
                                          timeout=DEADLINE)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_configuration_passes_the_check(self):
        found = blocks("toml")
        self.assertGreaterEqual(len(found), 1)
        for text in found:
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([BUILD / "gateway" / "ringtraced", "--config", file.name, "--check"],
                                      capture_output=True, text=True, timeout=DEADLINE)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
