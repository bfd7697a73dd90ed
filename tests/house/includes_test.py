"""Includes run along the arrows of the design and no other way:

    pool <- proto <- redis, sip, grpc <- gateway
"""

import re
import unittest

from sources import ROOMS, ROOT, sources

# What a file of the room may include from other rooms.
MAY_INCLUDE = {
    "pool": set(),
    "proto": {"pool"},
    "redis": {"pool", "proto"},
    "sip": {"pool", "proto"},
    "grpc": {"pool", "proto"},
    "gateway": {"pool", "proto", "redis", "sip", "grpc"},
}

# A library that belongs to one room, by how its headers begin, and the rooms that may include it.
LIBRARIES = {
    "grpc": {"grpc", "gateway/ctl"},
    "grpcpp": {"grpc", "gateway/ctl"},
    "hiredis": {"redis"},
    "sofia-sip": {"sip"},
    "toml++": {"gateway"},
    "prometheus": {"gateway"},
    "CLI": {"gateway"},
}

# The pool is the standard library only, but for where it asks the system for the memory it is fixed in.
STANDARD_HEADER = re.compile(r"^[a-z_]+$")
BEYOND_STANDARD = {"pool/big_array.cc": {"sys/mman.h"}}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def violations(path, text):
    """What `text`, as the file `path`, includes against the design; one sentence each."""
    room = path.parts[0]
    found = []
    for kind, target in INCLUDE.findall(text):
        first = target.split("/")[0]
        if kind == '"':
            if "/" not in target or first not in ROOMS:
                found.append(f'{path}: "{target}" is not given from the root, as "room/file.h"')
            elif first != room and first not in MAY_INCLUDE[room]:
                found.append(f"{path}: {room}/ must not know {first}/ ({target})")
        elif target in BEYOND_STANDARD.get(str(path), ()):
            continue
        elif room == "pool" and not STANDARD_HEADER.match(target):
            found.append(f"{path}: pool/ is the standard library only (<{target}>)")
        elif first in LIBRARIES and not any(str(path).startswith(owner + "/") for owner in LIBRARIES[first]):
            found.append(f"{path}: <{target}> belongs to {', '.join(sorted(LIBRARIES[first]))}")
        elif first in ("grpc", "grpcpp") and path.suffix == ".h":
            found.append(f"{path}: gRPC headers stay out of headers (<{target}>)")
    return found


class Includes(unittest.TestCase):
    def test_every_include_runs_along_the_design(self):
        files = sources(*ROOMS)
        self.assertGreater(len(files), 10)
        found = [line for path in files for line in violations(path, (ROOT / path).read_text())]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_an_include_against_the_design_is_found(self):
        path = lambda text: __import__("pathlib").PurePosixPath(text)
        for file, line in [
            ("pool/a.h", '#include "proto/from_pool.h"'),
            ("pool/a.h", "#include <boost/asio.hpp>"),
            ("pool/a.h", "#include <hiredis/hiredis.h>"),
            ("sip/a.cc", '#include "grpc/server.h"'),
            ("redis/a.cc", '#include "sip/proxy.h"'),
            ("grpc/a.cc", '#include "gateway/config.h"'),
            ("grpc/a.h", "#include <grpcpp/grpcpp.h>"),
            ("gateway/a.cc", "#include <sofia-sip/nta.h>"),
            ("sip/a.cc", '#include "proxy.h"'),
        ]:
            self.assertEqual(len(violations(path(file), line)), 1, f"{file}: {line}")

    def test_an_include_along_the_design_is_not(self):
        path = lambda text: __import__("pathlib").PurePosixPath(text)
        for file, line in [
            ("pool/a.h", "#include <string_view>"),
            ("sip/a.cc", '#include "pool/number_pools.h"'),
            ("sip/a.cc", "#include <sofia-sip/nta.h>"),
            ("grpc/a.cc", "#include <grpcpp/grpcpp.h>"),
            ("gateway/a.cc", '#include "sip/proxy.h"'),
        ]:
            self.assertEqual(violations(path(file), line), [])


if __name__ == "__main__":
    unittest.main()
