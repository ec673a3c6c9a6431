"""A bench's report as one small SVG: events a second and CPU an event of every arm, in dark and in light. Pure.

Drawn by hand: of the libraries that were tried, pygal lets logarithmic bars begin at the smallest value, so that the
slowest arm has none, and its 20 kB hold random ids; matplotlib can not follow the reader's colours. Rates lie a
thousandfold apart, so the scale is logarithmic, and there are dots, not bars, whose length would say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from streams.lab.bench.render import machine_line, topic_line
from streams.lab.bench.report import ArmResult, Report

_NAMES, _AXIS, _VALUES, _GAP = 118, 250, 76, 24
_TOP, _ROW, _LINE, _EDGE = 64, 26, 16, 12
_WIDTH: Final = _EDGE + _NAMES + 2 * (_AXIS + _VALUES) + _GAP + _EDGE
_OURS: Final = frozenset({"hightide", "order index", "peers job"})
_FIGURES: Final = (
    ("events_per_s", "events a second: more is better", 0),
    ("cpu_us_per_event", "CPU us an event: less is better", 2),
)
_STYLE: Final = """
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600 } .small { font-size: 10.5px; fill: #59636e }
.end { text-anchor: end } .middle { text-anchor: middle }
.paper { fill: #ffffff } .grid { stroke: #d1d9e0 }
.other { fill: #818b98; stroke: #818b98 } .ours { fill: #0969da; stroke: #0969da } text.ours { stroke: none }
.range { stroke-width: 3; stroke-opacity: .45; stroke-linecap: round }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 } .paper { fill: #0d1117 } .grid { stroke: #30363d }
.other { fill: #9198a1; stroke: #9198a1 } .ours { fill: #4493f8; stroke: #4493f8 }
}
"""


class _Panel(NamedTuple):
    """One figure of every arm along an axis of whole decades: its left edge, and powers of ten at both ends."""

    figure: str
    title: str
    digits: int
    left: float
    low: int
    high: int

    def x(self, value: float) -> float:
        """Where a value lies."""
        return round(self.left + (log10(value) - self.low) / (self.high - self.low) * _AXIS, 1)


def plot(report: Report) -> str:
    """The SVG as text, the same for the same report."""
    height = _TOP + _ROW * len(report.arms) + 4 * _LINE
    svg = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {height}", role="img")
    SubElement(svg, "title").text = "Events a second and CPU an event by arm"
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", {"class": "paper", "width": str(_WIDTH), "height": str(height)})
    for at, arm in enumerate(report.arms):
        _text(svg, _EDGE, _row_y(at) + 4, arm.name, "ours head" if arm.name in _OURS else "")
    for panel in _panels(report):
        _draw(svg, panel, report)
    bottom = height - 2 * _LINE
    for at, line in enumerate((topic_line(report) + "; bars: all runs", machine_line(report))):
        _text(svg, _EDGE, bottom + at * _LINE, line, "small")
    indent(svg, "")
    return tostring(svg, encoding="unicode") + "\n"


def _panels(report: Report) -> list[_Panel]:
    panels = []
    for at, (figure, title, digits) in enumerate(_FIGURES):
        values = [value for arm in report.arms for value in arm.values(figure) if value > 0]
        low, high = floor(log10(min(values))), ceil(log10(max(values)))
        left = _EDGE + _NAMES + at * (_AXIS + _VALUES + _GAP)
        panels.append(_Panel(figure, title, digits, left, low, max(high, low + 1)))
    return panels


def _draw(svg: Element, panel: _Panel, report: Report) -> None:
    bottom = _TOP + _ROW * len(report.arms)
    _text(svg, panel.left, 24, panel.title, "head")
    for power in range(panel.low, panel.high + 1):
        x = panel.x(10**power)
        _line(svg, (x, _TOP - 6), (x, bottom), "grid")
        _text(svg, x, _TOP - 14, _power(power), "small middle")
    for at, arm in enumerate(report.arms):
        _draw_arm(svg, panel, arm, _row_y(at))


def _draw_arm(svg: Element, panel: _Panel, arm: ArmResult, y: float) -> None:
    values, middle = [value for value in arm.values(panel.figure) if value > 0], arm.median(panel.figure)
    if not values or not middle:
        return
    kind = "ours" if arm.name in _OURS else "other"
    _line(svg, (panel.x(min(values)), y), (panel.x(max(values)), y), f"{kind} range")
    SubElement(svg, "circle", {"class": kind, "cx": f"{panel.x(middle):g}", "cy": f"{y:g}", "r": "4.5"})
    _text(svg, panel.left + _AXIS + _VALUES - 4, y + 4, f"{middle:,.{panel.digits}f}", "end")


def _power(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10**power:g}"


def _row_y(at: int) -> float:
    return _TOP + _ROW * (at + 0.5)


def _text(svg: Element, x: float, y: float, text: str, kind: str) -> None:
    SubElement(svg, "text", {"x": f"{x:g}", "y": f"{y:g}", **({"class": kind} if kind else {})}).text = text


def _line(svg: Element, start: Sequence[float], end: Sequence[float], kind: str) -> None:
    places = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    SubElement(svg, "line", {"class": kind, **{name: f"{place:g}" for name, place in places.items()}})
