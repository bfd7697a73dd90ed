"""ringtracectl: its texts, its completions, its exit codes."""

import datetime
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import unittest

from stack import BUILD, DEADLINE, Stack, wait_until

CTL = BUILD / "gateway" / "ctl" / "ringtracectl"


def run(*arguments, **options):
    words = [one if isinstance(one, bytes) else str(one) for one in arguments]
    return subprocess.run([CTL, *words], capture_output=True, text=True, timeout=DEADLINE, **options)


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
        for part in ("EXIT CODES", "ENVIRONMENT", "--server HOST:PORT", "RINGTRACE_SERVER", "RINGTRACE_HTTP",
                     "the gateway cannot be reached", "RINGTRACE_TOKEN ", "One of answered, busy,"):
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

    def test_bash_completes_values_and_leaves_files_to_itself(self):
        self.assertEqual(self.completed("ringtracectl", "list-calls", "--outcome", "b"), ["busy"])
        self.assertEqual(self.completed("ringtracectl", "--color", "al"), ["always"])
        self.assertEqual(self.completed("ringtracectl", "completion", "z"), ["zsh"])
        self.assertEqual(self.completed("ringtracectl", "pool", "--tls-ca", "l"), [])

    def test_fish_completes_too(self):
        script = run("completion", "fish").stdout
        done = subprocess.run(["fish", "-c", script + "\ncomplete -C 'ringtracectl lease --utm-s'"], capture_output=True,
                              text=True)
        self.assertEqual(done.stdout.split("\t")[0], "--utm-source", done.stderr)
        for words, offered in (("list-calls --outcome b", "busy"), ("completion z", "zsh"), ("rele", "release")):
            done = subprocess.run(["fish", "-c", script + f"\ncomplete -C 'ringtracectl {words}'"], capture_output=True,
                                  text=True)
            self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()], [offered], done.stderr)

    def test_zsh_reads_its_own(self):
        script = run("completion", "zsh").stdout
        done = subprocess.run(["zsh", "-f", "-c", "autoload -U compinit; compinit -D -u\n" + script +
                               "\nprint ${_comps[ringtracectl]}"], capture_output=True, text=True)
        self.assertEqual((done.stdout.strip(), done.stderr), ("_ringtracectl", ""))

    def test_zsh_is_given_commands_options_and_values(self):
        script = run("completion", "zsh").stdout
        # What the completion system would be given for the word after these.
        stand_ins = ('compdef() { : }\ncompadd() { print -l -- "$@" }\n_files() { print files }\n'
                     '_describe() { print -l -- "${(@P)2}" }\n')

        def offered(*words):
            ask = f'words=(ringtracectl {" ".join(words)} "")\nCURRENT={len(words) + 2}\n_ringtracectl'
            done = subprocess.run(["zsh", "-f", "-c", stand_ins + script + ask], capture_output=True, text=True)
            self.assertEqual(done.stderr, "")
            return [line.split(":")[0] for line in done.stdout.splitlines()]

        self.assertIn("lease-many", offered())
        self.assertIn("--utm-source", offered("lease"))
        self.assertNotIn("--utm-source", offered("renew"))
        self.assertEqual(offered("list-calls", "--outcome")[:2], ["answered", "busy"])
        self.assertEqual(offered("pool", "--tls-ca"), ["files"])
        self.assertIn("fish", offered("completion"))


class Mistakes(unittest.TestCase):
    def test_a_mistake_is_named_with_what_was_meant(self):
        for arguments, said in ((("leese",), "leese is no command; did you mean lease?"),
                                (("lease", "--vsit", "v"), "--vsit is no option; did you mean --visit?"),
                                (("calls", "--folow"), "--folow is no option; did you mean --follow?"),
                                (("calls", "everything"), "everything is not expected"),
                                ((), "which command?"),
                                (("lease",), "--visit is required"),
                                (("--server", "gateway", "pool"), "--server: must be HOST:PORT, not gateway"),
                                (("--server", "127.0.0.1:grpc", "pool"), "must be HOST:PORT, not 127.0.0.1:grpc"),
                                (("--server", "127.0.0.1:70800", "pool"), "must be HOST:PORT, not 127.0.0.1:70800"),
                                (("--timeout", "0s", "pool"), "--timeout: must be more than 0"),
                                (("plan", "--visit", "3m", "--hourly-visits", "many"), "must be a number, not many"),
                                (("plan", "--visit", "3m", "--hourly-visits", "9", "--exhausted", "1%"), "not 1%"),
                                (("plan", "--hourly-visits", "9", "--visit", "99999999d"), "--visit: must be a time such as"),
                                (("resolve", "+12025550101", "--at", "soon"), "2026-03-01T12:00:00Z, not soon"),
                                (("get", "--visit", b"v\xff"), "argument 3 is not UTF-8"),
                                (("calls", "--limit", "-1"), "--limit: must be a count, not -1"),
                                (("calls", "--share"), "--share requires --subscription"),
                                (("lease", "--visit", "v", "--expire-time", "soon"), "must be a time of RFC 3339"),
                                (("token", "--name", "a", "--scope", "lease", "--expire-time", "soon"), "RFC 3339"),
                                (("token", "--name", "a", "--scope", "lease", "--expire-time", "2020-01-01T00:00:00Z"),
                                 "is past")):
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)
                self.assertTrue(done.stderr.startswith("ringtracectl: "), done.stderr)

    def test_programs_hear_of_a_mistake_in_json(self):
        for arguments, said in ((("lease",), "--visit is required"), (("leese",), "did you mean lease?"),
                                (("token", "--name", "A b", "--scope", "lease"), "\"A b\" is no name"),
                                (("token", "--name", "7-shops", "--scope", "lease"), "beginning with a letter")):
            with self.subTest(arguments):
                done = run(*arguments, "--json")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                complaint = json.loads(done.stderr)
                self.assertEqual(complaint["code"], 3)
                self.assertIn(said, complaint["message"])

    def test_every_text_is_taken_and_nothing_else(self):
        def ends_with(word):
            return run("--server", "127.0.0.1:1", "get", "--visit", word).returncode

        for text in ("a\x7f", "\x80\u07ff", "\u0800\ud7ff\ue000\uffff", "\U00010000\U0010ffff"):
            self.assertEqual(ends_with(text.encode()), 3, text)
        for cut_long_surrogate_beyond in (b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\x80", b"\xe0\x80\x80",
                                          b"\xf0\x80\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80"):
            self.assertEqual(ends_with(b"v" + cut_long_surrogate_beyond), 2, cut_long_surrogate_beyond)

    def test_a_line_that_is_not_text_is_named(self):
        for command, said in (("lease-many", b"line 2 of standard input is not UTF-8"),
                              ("add-numbers", b"a word of standard input is not UTF-8")):
            done = subprocess.run([CTL, command, *(["-"] if command == "add-numbers" else [])], capture_output=True,
                                  input=b"v-1\nv\xff\n", timeout=DEADLINE)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr.splitlines(), [b"ringtracectl: " + said])

    def test_what_is_no_token_is_said_so(self):
        with tempfile.TemporaryDirectory() as directory:
            files = {name: pathlib.Path(directory, name) for name in ("empty", "binary", "missing")}
            files["empty"].write_text("")
            files["binary"].write_bytes(b"\x80\x01\n")
            for name, said in (("empty", "it is empty"), ("binary", "no token"), ("missing", "No such file")):
                done = run("--token-file", files[name], "pool")
                self.assertEqual(done.returncode, 2)
                self.assertIn(str(files[name]), done.stderr)
                self.assertIn(said, done.stderr)
        for token in ("line\nbreak", "schlüssel"):
            done = run("pool", env=os.environ | {"RINGTRACE_TOKEN": token})
            self.assertEqual(done.returncode, 2)
            self.assertIn("RINGTRACE_TOKEN is no token", done.stderr)

    def test_the_version_is_told(self):
        self.assertRegex(run("--version").stdout, r"^ringtracectl \d")


class ExitCodes(unittest.TestCase):
    def test_each_way_to_end_has_its_own(self):
        with Stack(redis=False) as stack:
            stack.start()
            self.assertEqual(stack.ctl("pool").returncode, 0)
            self.assertEqual(stack.ctl("trunks", "--http", f"127.0.0.1:{stack.http_port}").returncode, 0)
            for code, arguments in ((1, ("get", "--visit", "nobody")), (2, ("lease",)), (2, ("pol",)),
                                    (2, ("lease", "--visit", "v", "--ttl", "soon")),
                                    (2, ("--token-file", "/nonexistent", "pool")),
                                    (3, ("--server", "127.0.0.1:1", "pool")), (3, ("trunks", "--http", "127.0.0.1:1")),
                                    (3, ("trunks", "--http", f"127.0.0.1:{stack.grpc_port}"))):
                with self.subTest(arguments):
                    done = stack.ctl(*arguments, check=False)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertTrue(done.stderr)

    def test_a_gateway_that_does_not_answer_is_not_waited_for(self):
        with Stack(redis=False) as stack:
            stack.start()
            stack.gateway.process.send_signal(signal.SIGSTOP)
            for arguments in (("pool",), ("calls",), ("calls", "--follow"), ("watch-pools",), ("lease-many",), ("health",)):
                with self.subTest(arguments):
                    done = stack.ctl("--timeout", "300ms", *arguments, check=False, input="v-1\n")
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn("within 300 ms; --timeout allows more", done.stderr)

    def test_programs_hear_of_every_error_in_json(self):
        pools = '[[pool]]\nname = "main"\nnumbers = ["+12025550101"]\ndurability = "required"\non_exhausted = "refuse"\n'
        with Stack(pools=pools) as stack:
            stack.start()
            stack.redis.kill()
            for code, status, arguments in ((1, 5, ("get", "--visit", "nobody")), (4, 14, ("lease", "--visit", "v")),
                                            (3, 14, ("--server", "127.0.0.1:1", "pool")),
                                            (3, 14, ("trunks", "--http", "127.0.0.1:1"))):
                with self.subTest(arguments):
                    done = stack.ctl("--json", *arguments, check=False)
                    self.assertEqual(done.returncode, code, done.stderr)
                    said = json.loads(done.stderr)
                    self.assertEqual(said["code"], status)
                    self.assertEqual("details" in said, code != 3)
                    self.assertTrue(said["message"])

    def test_where_it_helps_is_said_what_to_do(self):
        with Stack(redis=False) as stack:
            stack.start()
            for said, arguments in (("\nringtracectl pool shows those there are.", ("lease", "--pool", "mian", "--visit", "v")),
                                    (": Connection refused\n--http says where", ("trunks", "--http", "127.0.0.1:1")),
                                    (", not \"12\" (FIELD_MALFORMED)", ("resolve", "12")),
                                    ("numbers[2] must be", ("add-numbers", "+12025550155", "reception"))):
                with self.subTest(arguments):
                    self.assertIn(said, stack.ctl(*arguments, check=False).stderr)

    def test_a_token_that_does_not_do_is_told_with_what_to_do(self):
        soon = (datetime.datetime.utcnow() + datetime.timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        with Stack(redis=False, grpc='token_file = "tokens.toml"') as stack:
            tables = ""
            for name, *options in (("shop", "--scope", "lease"), ("old", "--scope", "read", "--expire-time", soon)):
                made = json.loads(run("--json", "token", "--name", name, *options).stdout)
                tables += made["table"]
                (stack.directory / name).write_text(made["token"])
            (stack.directory / "tokens.toml").write_text(tables)
            stack.start()

            def said(*options):
                return stack.ctl(*options, "pool", check=False).stderr

            wait_until("the token has expired", lambda: "TOKEN" in said("--token-file", stack.directory / "old"))
            another = "\nWhoever runs the gateway makes another with ringtracectl token.\n"
            self.assertIn(f'token "old" has expired (TOKEN_EXPIRED){another}', said("--token-file", stack.directory / "old"))
            self.assertIn(f"(SCOPE_MISSING){another}", said("--token-file", stack.directory / "shop"))
            self.assertIn("(TOKEN_MISSING)\n--token-file shows one", said())

    def test_health_is_told(self):
        with Stack(redis=False, grpc='drain_delay = "2s"') as stack:
            stack.start()
            self.assertEqual({line["status"] for line in stack.ctl_json("health")}, {"SERVING"})
            stack.gateway.terminate()
            done = wait_until("it does not serve any more", lambda: (
                lambda done: done if done.returncode else None)(stack.ctl("health", check=False)))
            self.assertEqual(done.returncode, 4)
            self.assertRegex(done.stdout, "ringtrace.v1.LeaseService +not serving")

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

    def test_a_log_without_news_is_told_at_once(self):
        for redis in (True, False):
            with self.subTest(redis=redis), Stack(redis=redis).start() as stack:
                for options in ((), ("--from", "oldest"), ("--type", "ended"), ("--pool", "main")):
                    self.assertEqual(stack.ctl_json("--timeout", "1h", "calls", *options), [])
                self.assertTrue(stack.ctl("calls").stdout.startswith("time "))
                stack.line()
                stack.call(stack.lease("visit-1")["number"])
                last = stack.events(3)[-1]["cursor"]
                self.assertEqual(stack.ctl_json("--timeout", "1h", "calls", "--from", last), [])
                if redis:  # a Redis that lost its last events has given cursors beyond its end
                    self.assertEqual(stack.ctl_json("--timeout", "1h", "calls", "--from", "9999999999999-0"), [])
                    # All of them too old, and gone.
                    stack.redis_cli("del", "rt:{calls}:events")
                    self.assertEqual(stack.ctl_json("--timeout", "1h", "calls"), [])

    def test_events_are_told_of_the_pools_and_types_that_are_asked_for(self):
        pools = "".join(f'[[pool]]\nname = "{name}"\nnumbers = ["{number}"]\non_exhausted = "refuse"\n'
                        for name, number in (("main", "+12025550101"), ("other", "+12025550151")))
        with Stack(redis=False, pools=pools) as stack:
            stack.start()
            stack.line()
            stack.call(stack.lease("visit-1")["number"], name="first")
            stack.call(stack.lease("visit-2", pool="other")["number"], name="second")
            stack.events(6)

            def told(*options):
                # Nobody waits for what does not come.
                return [(event["call"]["resolution"]["pool"], event["type"].rsplit("_", 1)[1])
                        for event in stack.ctl_json("--timeout", "1h", "calls", *options)]

            self.assertEqual(told("--type", "ended"), [("pools/main", "ENDED"), ("pools/other", "ENDED")])
            self.assertEqual(told("--pool", "main", "--type", "ringing", "--type", "ended"),
                             [("pools/main", "RINGING"), ("pools/main", "ENDED")])
            shared = told("--subscription", "crm", "--share", "--limit", 6)
            self.assertEqual(len(shared), 6)
            refused = stack.ctl("calls", "--pool", "nowhere", check=False)
            self.assertIn("POOL_NOT_FOUND", refused.stderr)

    def test_leases_last_until_a_time_and_errors_tell_the_requests_name(self):
        with Stack(redis=False) as stack:
            stack.start()
            until = (datetime.datetime.utcnow() + datetime.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.assertEqual(stack.lease("visit-1", expire_time=until)["expire_time"][:19] + "Z", until)
            later = (datetime.datetime.utcnow() + datetime.timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.assertEqual(stack.ctl_json("renew", "--visit", "visit-1", "--expire-time", later)[0][
                "expire_time"][:19] + "Z", later)
            answer, = stack.ctl_json("lease-many", "--expire-time", until, input="visit-2\n")
            self.assertEqual(answer["lease"]["expire_time"][:19] + "Z", until)
            for command in (("renew", "--visit", "nobody"), ("release", "--visit", "nobody"),
                            ("add-numbers", "reception"), ("drain-numbers", "reception")):
                done = stack.ctl("--json", *command, "--request-id", "r-7", check=False)
                self.assertEqual(json.loads(done.stderr)["details"][0]["metadata"]["request_id"], "r-7", command)

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
