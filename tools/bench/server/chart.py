"""Horizontal bars as SVG: one group per phase, one bar per server. Pure."""

import html

_COLOURS = {"smelt": "#c8501e", "bazel-remote": "#3d6fa5"}
_WIDTH, _LABELS, _VALUES, _BAR, _GAP, _HEAD = 860, 110, 110, 14, 4, 26


def _text(x, y, text, size=12, anchor="start", weight="normal"):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" font-weight="%s">%s</text>' % (
        x, y, size, anchor, weight, html.escape(text))


def svg(result, phases, unit):
    """The rates of a result as run.py writes it; longer is better."""
    elements = [_text(0, 20, "Servers under load: longer is better", 16, weight="bold")]
    y = 34
    for phase in phases:
        rows = {name: samples[phase] for name, samples in result["servers"].items()}
        largest = max(row["rate"] for row in rows.values()) or 1.0
        elements.append(_text(0, y + 16, phase, 13, weight="bold"))
        y += _HEAD
        for name, row in rows.items():
            length = max(1.0, row["rate"] / largest * (_WIDTH - _LABELS - _VALUES))
            elements.append(_text(_LABELS - 8, y + 11, name, anchor="end"))
            elements.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
                _LABELS, y, length, _BAR, _COLOURS.get(name, "#444444")))
            elements.append(_text(_LABELS + length + 6, y + 11, "%.0f %s" % (row["rate"], unit(phase))))
            y += _BAR + _GAP
        y += 6
    top = (_WIDTH, y + 10)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}"'.format(*top)
    background = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head + ' font-family="sans-serif">', background] + elements + ["</svg>"]) + "\n"
