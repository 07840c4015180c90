#!/usr/bin/env python3
"""Draws what store_bench printed: plot.py places|mix|scale <json> <svg>. Pure but for reading and writing those."""

import html
import json
import math
import sys

_WIDTH, _HEIGHT = 430, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 16, 44, 46
_COLOURS = ("#c8501e", "#3d6fa5", "#5a9a68", "#8a6fb0")


def label(value):
    """A number with its decimal suffix: 3200000 is 3.2M."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return "%.3g%s" % (value / limit, suffix)
    return "%.3g" % value


def decades(values):
    """The powers of ten around the values."""
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return [10.0**exponent for exponent in range(low, max(high, low + 1) + 1)]


def text(x, y, words, size=11, anchor="start", weight="normal"):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" font-weight="%s">%s</text>' % (
        x, y, size, anchor, weight, html.escape(words),
    )


def _scale(ticks, begin, end):
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])
    return lambda value: begin + (math.log10(value) - low) / (high - low) * (end - begin)


def chart(title, x_title, lines, left):
    """One panel, both axes logarithmic; `lines` is {name: [(x, y), ...]}, all above zero."""
    points = [point for line in lines.values() for point in line]
    x_ticks, y_ticks = decades([x for x, _ in points]), decades([y for _, y in points])
    x_of = _scale(x_ticks, left + _LEFT, left + _WIDTH - _RIGHT)
    y_of = _scale(y_ticks, _HEIGHT - _BOTTOM, _TOP)
    elements = [text(left + _LEFT, 20, title, 14, weight="bold")]
    for tick in x_ticks:
        elements.append('<path d="M%.1f %d V%d" stroke="#dddddd"/>' % (x_of(tick), _TOP, _HEIGHT - _BOTTOM))
        elements.append(text(x_of(tick), _HEIGHT - _BOTTOM + 15, label(tick), anchor="middle"))
    for tick in y_ticks:
        elements.append('<path d="M%d %.1f H%d" stroke="#dddddd"/>' % (
            left + _LEFT, y_of(tick), left + _WIDTH - _RIGHT,
        ))
        elements.append(text(left + _LEFT - 6, y_of(tick) + 4, label(tick), anchor="end"))
    elements.append(text(left + (_LEFT + _WIDTH) / 2, _HEIGHT - 12, x_title, anchor="middle"))
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join("%.1f,%.1f" % (x_of(x), y_of(y)) for x, y in line)
        elements.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour))
        if len(lines) > 1:
            elements.append('<text x="%.1f" y="38" font-size="11" fill="%s">%s</text>' % (
                left + _LEFT + number * 80, colour, html.escape(name),
            ))
    return elements


def bars(title, rows, left):
    """One panel of horizontal bars; `rows` is [(name, value), ...]."""
    largest = max(value for _, value in rows)
    elements = [text(left + 4, 20, title, 14, weight="bold")]
    for number, (name, value) in enumerate(rows):
        y = _TOP + number * 20
        length = max(1.0, value / largest * (_WIDTH - 200))
        elements.append(text(left + 132, y + 12, name, anchor="end"))
        elements.append('<rect x="%d" y="%d" width="%.1f" height="15" fill="%s"/>' % (
            left + 138, y, length, _COLOURS[0],
        ))
        elements.append(text(left + 142 + length, y + 12, label(value)))
    return elements


def svg(panels):
    """`panels` are functions of the x at which they begin."""
    width = _WIDTH * len(panels)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}"'
    elements = [element for number, panel in enumerate(panels) for element in panel(number * _WIDTH)]
    background = '<rect width="100%" height="100%" fill="white"/>'
    begin = [head.format(width, _HEIGHT) + ' font-family="sans-serif">', background]
    return "\n".join(begin + elements + ["</svg>"]) + "\n"


def _by_place(rows, what):
    lines = {}
    for row in rows:
        lines.setdefault(row["place"], []).append((row["size"], row[what]))
    return lines


def places(rows):
    def panel(title, what):
        return lambda left: chart(title, "bytes of a blob", _by_place(rows, what), left)

    return svg([
        panel("durable puts per second, 64 threads", "puts_per_second"),
        panel("reads per second, 8 threads", "gets_per_second"),
    ])


def _border(bytes_max):
    return "all" if bytes_max >= 1 << 40 else "none" if bytes_max == 0 else "%d KiB" % (bytes_max >> 10)


def mix(rows):
    def of(what):
        name = "{} / {}".format
        return [(name(_border(row["lsm_bytes_max"]), _border(row["blob_bytes_max"])), row[what]) for row in rows]

    return svg([
        lambda left: bars("puts per second, by borders", of("puts_per_second"), left),
        lambda left: bars("reads per second, by borders", of("gets_per_second"), left),
    ])


def scale(rows):
    def of(series):
        return {name: [(row["blobs"], row[what]) for row in rows] for name, what in series.items()}

    return svg([
        lambda left: chart("resident bytes", "blobs", of({"bytes": "resident_bytes"}), left),
        lambda left: chart("seconds after the start", "blobs", of({
            "a read": "first_get_seconds", "1,000 lookups": "first_find_seconds", "all": "startup_seconds"}), left),
        lambda left: chart("FindMissing lookups per second", "blobs", of({"lookups": "finds_per_second"}), left),
    ])


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in ("places", "mix", "scale"):
        print("usage: plot.py places|mix|scale <json> <svg>", file=sys.stderr)
        return 2
    with open(arguments[1]) as source:
        rows = json.load(source)
    with open(arguments[2], "w") as target:
        target.write({"places": places, "mix": mix, "scale": scale}[arguments[0]](rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
