"""ringtracectl: its texts, its completions, its exit codes."""

import os
import pty
import re
import subprocess
import unittest

from stack import BUILD, DEADLINE, Stack

CTL = BUILD / "gateway" / "ctl" / "ringtracectl"


def run(*arguments, **options):
    return subprocess.run([CTL, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE, **options)


def commands():
    listed = run("--help").stdout.split("Subcommands:")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)


class Texts(unittest.TestCase):
    def test_every_command_has_help_with_examples_that_name_it(self):
        self.assertGreaterEqual(len(commands()), 16)
        for command in commands():
            with self.subTest(command):
                done = run(command, "--help")
                self.assertEqual(done.returncode, 0)
                self.assertIn(f"  ringtracectl {command}", done.stdout.split("Examples:")[1].replace("| ", "  "))

    def test_the_manual_page_is_clean_and_tells_every_command_and_option(self):
        page = run("man").stdout
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=page, capture_output=True, text=True)
        # A page that comes out of the program it tells of needs no date.
        complaints = [line for line in (lint.stdout + lint.stderr).splitlines() if "missing date" not in line]
        self.assertEqual(complaints, [])
        text = subprocess.run(["mandoc", "-Tascii"], input=page, capture_output=True, text=True).stdout
        text = re.sub(".\b", "", text)
        for command in commands():
            self.assertIn(f"ringtracectl {command}\n", text)
            for option in re.findall(r"--[a-z-]+", run(command, "--help").stdout.split("Examples:")[0]):
                self.assertIn(option, text)
        for part in ("EXIT CODES", "ENVIRONMENT", "RINGTRACE_SERVER", "the gateway cannot be reached"):
            self.assertIn(part, text)


class Completion(unittest.TestCase):
    def completed(self, *words):
        """What bash offers for the last word."""
        script = run("completion", "bash").stdout
        ask = f'COMP_WORDS=({" ".join(words)} "")\nCOMP_CWORD={len(words) - 1}\n_ringtracectl\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
        return subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True).stdout.split()

    def test_bash_completes_commands_and_each_commands_options(self):
        self.assertEqual(self.completed("ringtracectl", "lea"), ["lease", "lease-many"])
        self.assertEqual(self.completed("ringtracectl", "lease", "--utm-s"), ["--utm-source"])
        self.assertEqual(self.completed("ringtracectl", "renew", "--utm-s"), [])
        self.assertEqual(self.completed("ringtracectl", "--json", "calls", "--fo"), ["--follow"])

    def test_fish_completes_too(self):
        script = run("completion", "fish").stdout
        done = subprocess.run(["fish", "-c", script + "\ncomplete -C 'ringtracectl lease --utm-s'"], capture_output=True,
                              text=True)
        self.assertEqual(done.stdout.split("\t")[0], "--utm-source", done.stderr)

    def test_zsh_reads_its_own(self):
        script = run("completion", "zsh").stdout
        done = subprocess.run(["zsh", "-f", "-c", "autoload -U compinit; compinit -D -u\n" + script +
                               "\nprint ${_comps[ringtracectl]}"], capture_output=True, text=True)
        self.assertEqual((done.stdout.strip(), done.stderr), ("_ringtracectl", ""))


class ExitCodes(unittest.TestCase):
    def test_each_way_to_end_has_its_own(self):
        with Stack(redis=False) as stack:
            stack.start()
            self.assertEqual(stack.ctl("pool").returncode, 0)
            for code, arguments in ((1, ("get", "--visit", "nobody")), (2, ("lease",)), (2, ("pol",)),
                                    (2, ("lease", "--visit", "v", "--ttl", "soon")),
                                    (2, ("--token-file", "/nonexistent", "pool")),
                                    (3, ("--server", "127.0.0.1:1", "pool"))):
                with self.subTest(arguments):
                    done = stack.ctl(*arguments, check=False)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertTrue(done.stderr)

    def test_colours_are_for_terminals_or_those_who_ask(self):
        with Stack(redis=False) as stack:
            stack.start()
            stack.line()
            stack.call(stack.lease("visit-1")["number"])
            stack.events(3)
            self.assertNotIn("\033[", stack.ctl("calls").stdout)
            colourful = stack.ctl("--color", "always", "calls").stdout
            for style, word in (("33", "ringing"), ("32", "answered"), ("36", "ended")):
                self.assertIn(f"\033[{style}m{word}\033[0m", colourful)

    def test_a_terminal_gets_colours_by_itself(self):
        with Stack(redis=False) as stack:
            stack.start()
            stack.line()
            stack.call(stack.lease("visit-1")["number"])
            stack.events(3)
            terminal, inside = pty.openpty()
            colourful = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
            follow = subprocess.Popen([CTL, "--server", f"127.0.0.1:{stack.grpc_port}", "calls", "--follow", "--from",
                                       "oldest", "--limit", "3"], stdout=inside, env=colourful)
            os.close(inside)
            said = b""
            try:
                while chunk := os.read(terminal, 4096):
                    said += chunk
            except OSError:  # EIO: nobody has it open any more
                pass
            os.close(terminal)
            self.assertEqual(follow.wait(DEADLINE), 0)
            for style, word in (("33", "ringing"), ("32", "answered"), ("36", "ended")):
                self.assertIn(f"\033[{style}m{word}\033[0m".encode(), said)

    def test_more_numbers_than_one_request_takes_are_changed(self):
        with Stack(redis=False, numbers="+12025550101-+12025553600") as stack:
            stack.start()
            numbers = "".join(f"+1202555{number:04}\n" for number in range(101, 3601))
            self.assertEqual(stack.ctl_json("drain-numbers", "-", input=numbers), [{"drained_count": 3500}])
            self.assertEqual(stack.ctl_json("pool", "main")[0]["capacity"]["drained_count"], "3500")

    def test_calls_and_pools_are_told_and_changed(self):
        with Stack() as stack:
            stack.start()
            stack.line()
            number = stack.lease("visit-1", utm_source="google", utm_medium="cpc")["number"]
            stack.call(number)
            call = stack.events(3)[-1]["call"]
            for wanted in ((), ("--since", "1h"), ("--outcome", "answered", "--number", number), ("--source", "google/cpc"),
                           ("--pool", "main", "--limit", 0)):
                listed = stack.ctl_json("list-calls", *wanted)
                self.assertEqual([one["call_id"] for one in listed], [call["call_id"]], wanted)
            self.assertEqual(stack.ctl_json("list-calls", "--outcome", "busy"), [])
            self.assertEqual(stack.ctl("list-calls", "--since", "yesterday", check=False).returncode, 2)
            self.assertEqual(stack.ctl_json("get-call", call["call_id"])[0]["dialed_number"], number)
            self.assertIn("visit-1", stack.ctl("get-call", call["call_id"]).stdout)
            self.assertIn("CALL_NOT_FOUND", stack.ctl("get-call", "01M84Y2KS4HJ6QVXCB5XNYC2CN", check=False).stderr)

            self.assertEqual(stack.ctl_json("watch-pools", "main", "--limit", 1)[0]["capacity"]["total_count"], "10")
            self.assertEqual(stack.ctl_json("drain-numbers", "+12025550110", "+12025550109"), [{"drained_count": 2}])
            self.assertEqual(stack.ctl_json("pool", "main")[0]["capacity"]["drained_count"], "2")
            self.assertIn("1 of 1 put in", stack.ctl("add-numbers", "-", input="+12025550110\n").stdout)
            self.assertEqual(stack.ctl_json("pool", "main")[0]["capacity"]["drained_count"], "1")
            planned = stack.ctl_json("plan", "--hourly-visits", 1200, "--visit", "3m", "--hold", "150s")[0]
            self.assertGreater(planned["number_count"], 110)

    def test_many_visits_get_a_number_each_over_one_stream(self):
        with Stack(redis=False) as stack:
            stack.start()
            visits = "".join(f"visit-{i}\n" for i in range(4)) + '{"visit_id":"visit-4","attributes":{"utm_source":"x"}}\n'
            answers = stack.ctl_json("lease-many", input=visits)
            self.assertEqual(sorted(int(answer["tag"]) for answer in answers), [0, 1, 2, 3, 4])
            self.assertEqual(len({answer["lease"]["number"] for answer in answers}), 5)
            done = stack.ctl("lease-many", check=False, input="\nvisit-9\n" + "v" * 200 + "\n")
            self.assertEqual(done.returncode, 1)
            self.assertIn("FIELD_TOO_LONG", done.stdout)
            self.assertEqual(stack.ctl("lease-many", check=False, input="{visit}\n").returncode, 2)


if __name__ == "__main__":
    unittest.main()
