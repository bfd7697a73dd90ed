"""Every source file is as clang-format leaves it."""

import subprocess
import unittest

from sources import ROOMS, ROOT, sources


class Format(unittest.TestCase):
    def test_every_source_file_is_formatted(self):
        files = sources(*ROOMS, "bench", "tests")
        done = subprocess.run(["clang-format", "--dry-run", "--Werror", *map(str, files)], cwd=ROOT,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"\n{done.stderr[:4000]}\nclang-format -i mends it")


if __name__ == "__main__":
    unittest.main()
