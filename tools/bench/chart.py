"""Horizontal bars as SVG: one group per scenario, one bar per cache. Pure."""

import html

import report
import scenarios

_COLOURS = {
    "plain": "#8c8c8c",
    "floor": "#c9c9c9",
    "smelt": "#c8501e",
    "sccache": "#3d6fa5",
    "kache": "#5a9a68",
    "mbx": "#8a6fb0",
}
_WIDTH = 860
_LABELS = 90
_VALUES = 90
_BAR = 16
_GAP = 4
_HEAD = 34


def bar_length(value, largest):
    """In pixels; a bar that is there can be seen."""
    return max(1.0, value / largest * (_WIDTH - _LABELS - _VALUES)) if largest > 0 else 1.0


def _text(x, y, text, size=12, anchor="start", weight="normal"):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" font-weight="%s">%s</text>' % (
        x, y, size, anchor, weight, html.escape(text),
    )


def _group(scenario, rows, top):
    """The elements of one scenario, and the y below it."""
    elements = [_text(0, top + 20, scenarios.TITLES[scenario], 14, weight="bold")]
    largest = max(row["wall"] for row in rows.values())
    y = top + _HEAD
    for cache, row in rows.items():
        length = bar_length(row["wall"], largest)
        elements.append(_text(_LABELS - 8, y + 12, cache, anchor="end"))
        elements.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
            _LABELS, y, length, _BAR, _COLOURS.get(cache, "#444444"),
        ))
        elements.append(_text(_LABELS + length + 6, y + 12, report.duration(row["wall"])))
        y += _BAR + _GAP
    return elements, y + 10


def svg(result):
    """The wall-time medians of a result as run.py writes it."""
    elements = [_text(0, 20, "%s: median wall time, shorter is better" % result["workload"], 16, weight="bold")]
    y = 30
    for scenario in report.ORDER:
        rows = result["summary"].get(scenario)
        if rows:
            group, y = _group(scenario, rows, y)
            elements += group
    machine = ", ".join("%s %s" % pair for pair in result["machine"].items())
    elements.append(_text(0, y + 14, machine, 10))
    y += 26
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}"'.format(_WIDTH, y)
    background = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head + ' font-family="sans-serif">', background] + elements + ["</svg>"]) + "\n"
