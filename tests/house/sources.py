"""The source files of the project."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("pool", "proto", "redis", "sip", "grpc", "gateway")


def sources(*directories, endings=(".h", ".cc")):
    """Every source file below the directories, relative to the root, in order."""
    found = []
    for directory in directories:
        found += [path.relative_to(ROOT) for path in (ROOT / directory).rglob("*") if path.suffix in endings]
    return sorted(found)
