"""Draws what an operation costs against the size of the pool, as an SVG, from the rows of the pool's benchmark.

The curves are the rows named "<operation> at <count> numbers" and their peers; both axes are logarithmic.
"""

import argparse
import json
import math
import pathlib
import re

COLOURS = ("#1b6ca8", "#b8442c", "#3a7d44", "#7a4fa3", "#8a6d1f", "#555555")
LEFT, RIGHT, TOP, BOTTOM = 70, 560, 40, 380
POINT = re.compile(r"(.+) at (\d+)( k| M)? numbers$")
FACTOR = {None: 1, " k": 1_000, " M": 1_000_000}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=pathlib.Path, help="the JSON array of bench_pool")
    parser.add_argument("svg", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.svg.write_text(draw(curves(json.loads(arguments.rows.read_text()))))


def curves(rows):
    """{name: [(numbers, nanoseconds), ...]}, the curves of one point left out."""
    found = {}
    for row in rows:
        match = POINT.match(row["what"])
        if not match:
            continue
        numbers = int(match[2]) * FACTOR[match[3]]
        found.setdefault(match[1], {})[numbers] = row["ours"]
        if row["peer_name"] != "resolve":  # a curve of its own already
            found.setdefault(row["peer_name"], {}).setdefault(numbers, row["peer"])
    return {name: sorted(points.items()) for name, points in found.items() if len(points) > 1}


def draw(found):
    """The curves as an SVG text."""
    sizes = [size for points in found.values() for size, _ in points]
    costs = [cost for points in found.values() for _, cost in points]
    lowest = 10 ** math.floor(math.log10(min(costs)))
    highest = 10 ** math.ceil(math.log10(max(costs)))
    x = scale(min(sizes), max(sizes), LEFT, RIGHT)
    y = scale(lowest, highest, BOTTOM, TOP)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 430" font-family="sans-serif" font-size="12">',
             '<rect width="800" height="430" fill="white"/>',
             f'<text x="{LEFT}" y="22" font-size="14">One operation with one thread, ns, by numbers in the pool</text>']
    for size in sorted(set(sizes)):
        parts.append(line(x(size), TOP, x(size), BOTTOM, "#dddddd"))
        parts.append(f'<text x="{x(size):.0f}" y="{BOTTOM + 20}" text-anchor="middle">{size:,}</text>')
    cost = lowest
    while cost <= highest:
        parts.append(line(LEFT, y(cost), RIGHT, y(cost), "#dddddd"))
        parts.append(f'<text x="{LEFT - 8}" y="{y(cost) + 4:.0f}" text-anchor="end">{cost:g}</text>')
        cost *= 10
    for place, (name, points) in enumerate(found.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for size, cost in points:
            parts.append(f'<circle cx="{x(size):.1f}" cy="{y(cost):.1f}" r="3.5" fill="{colour}">'
                         f'<title>{name}, {size:,}: {cost:.4g} ns</title></circle>')
        parts.append(line(RIGHT + 20, TOP + 22 * place + 12, RIGHT + 44, TOP + 22 * place + 12, colour, 2))
        parts.append(f'<text x="{RIGHT + 50}" y="{TOP + 22 * place + 16}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def scale(low, high, begin, end):
    """From `low`..`high` to `begin`..`end`, logarithmically."""
    span = math.log(high / low)
    return lambda value: begin + (end - begin) * math.log(value / low) / span


def line(x1, y1, x2, y2, colour, width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


if __name__ == "__main__":
    main()
