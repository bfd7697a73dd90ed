"""Joins the rows of several benchmarks into one table of ratios, and into one JSON array."""

import argparse
import json
import pathlib


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=pathlib.Path, help="holds ROOM.json, an array of rows, for each room")
    parser.add_argument("rooms", nargs="+")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()

    rows = []
    for room in arguments.rooms:
        rows += json.loads((arguments.directory / f"{room}.json").read_text())

    verdict = {True: "yes", False: "NO", None: "noisy"}
    table = [("bench", "what", "unit", "ours", "peer", "peer's name", "ratio", "target", "ok")]
    for row in rows:
        table.append((row["bench"], row["what"], row["unit"], figure(row["ours"]), figure(row["peer"]),
                      row["peer_name"], figure(row["ratio"]), row["target"], verdict[row["ok"]]))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())

    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def figure(value):
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    main()
