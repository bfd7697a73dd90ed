"""clang-tidy, with the short list of .clang-tidy, finds nothing; by the way, clang compiles our sources."""

import concurrent.futures
import os
import subprocess
import sys
import unittest

from sources import ROOMS, ROOT, sources

BUILD = sys.argv.pop()


def tidy(path):
    # The commands are GCC's; clang does not know all of its warnings.
    done = subprocess.run(["clang-tidy", "--quiet", "-p", BUILD, "--extra-arg=-Wno-unknown-warning-option", str(path)],
                          cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{path}:\n{done.stdout[:3000]}{done.stderr[:1000]}"


class Tidy(unittest.TestCase):
    def test_clang_tidy_finds_nothing(self):
        files = sources(*ROOMS, endings=(".cc",))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
            found = [text for text in workers.map(tidy, files) if text]
        self.assertEqual(found, [], "\n" + "\n".join(found))


if __name__ == "__main__":
    unittest.main()
