"""A missing library is named with the package that brings it, and that package is in the one list."""

import re
import subprocess
import tempfile
import unittest

from sources import ROOT

DEPENDENCIES = (ROOT / "deploy" / "cmake" / "Dependencies.cmake").read_text()
LISTED = [line for line in (ROOT / "deploy" / "packages.txt").read_text().splitlines()
          if line and not line.startswith("#")]


class Packages(unittest.TestCase):
    def test_what_cmake_asks_for_is_in_the_list(self):
        calls = re.findall(r"^ringtrace_package\(\S+ ([\w+.-]+)|^ringtrace_pkgconfig\(\S+ \S+ ([\w+.-]+)\)", DEPENDENCIES,
                           re.MULTILINE)
        asked = {first or second for first, second in calls}
        self.assertGreater(len(asked), 10)
        self.assertEqual(asked - set(LISTED), set())

    def test_no_package_is_listed_twice(self):
        self.assertEqual(len(LISTED), len(set(LISTED)))

    def test_a_missing_library_is_named_with_its_package(self):
        with tempfile.TemporaryDirectory() as build:
            done = subprocess.run(["cmake", "-S", ROOT, "-B", build, "-G", "Ninja",
                                   "-DCMAKE_DISABLE_FIND_PACKAGE_prometheus-cpp=TRUE"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("apt-get install prometheus-cpp-dev", done.stderr)
        self.assertIn("deploy/install-packages", done.stderr)


if __name__ == "__main__":
    unittest.main()
