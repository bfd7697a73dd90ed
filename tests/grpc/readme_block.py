"""Prints the README's block in a language: `readme_block.py cpp`. There is one of each."""

import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def block(language):
    found = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"README.md has {len(found)} blocks in {language}"
    return found[0]


if __name__ == "__main__":
    sys.stdout.write(block(sys.argv[1]))
