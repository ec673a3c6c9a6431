"""Line charts as SVG, without a library: a few panels side by side. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from typing import Final

_WIDTH, _HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 56, 52
_COLOURS: Final = ("#1f6feb", "#d4751a", "#2a9d5b", "#a33bb5", "#c0392b", "#5a6472")
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line through `points` (x, y), which ascend in x."""

    name: str
    points: Points


@dataclass(frozen=True, slots=True)
class Chart:
    """One panel. `x_ticks` are (x, label); without them, round numbers. `marks` are horizontal lines (y, label)."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    x_ticks: Sequence[tuple[float, str]] = ()
    marks: Sequence[tuple[float, str]] = field(default=())
    log_x: bool = False
    log_y: bool = False


def svg(title: str, charts: Sequence[Chart], note: str) -> str:
    """The document: panels from left to right, `note` below them."""
    width, height = _WIDTH * len(charts), _HEIGHT + 24
    body = [part for n, chart in enumerate(charts) for part in _panel(chart, n * _WIDTH)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'font-family="system-ui, sans-serif" font-size="11" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *body,
            f'<text x="8" y="{height - 8}" fill="#5a6472">{escape(note)}</text>',
            "</svg>",
            "",
        ]
    )


def _panel(chart: Chart, left: int) -> Iterator[str]:
    xs = [x for line in chart.lines for x, _ in line.points] + [x for x, _ in chart.x_ticks]
    ys = [y for line in chart.lines for _, y in line.points] + [y for y, _ in chart.marks]
    x_ticks = list(chart.x_ticks) or [(x, _short(x)) for x in _ticks(xs, chart.log_x)]
    y_ticks = _ticks([*ys, *([] if chart.log_y else [0.0])], chart.log_y)
    at_x = _scale([x for x, _ in x_ticks] + xs, chart.log_x, left + _LEFT, left + _WIDTH - _RIGHT)
    at_y = _scale(y_ticks + ys, chart.log_y, _HEIGHT - _BOTTOM, _TOP)
    right = left + _WIDTH - _RIGHT
    yield f'<text x="{left + _LEFT}" y="20" font-size="13" font-weight="600">{escape(chart.title)}</text>'
    for y in y_ticks:
        yield f'<path d="M{left + _LEFT} {at_y(y):.1f}H{right}" stroke="#e3e6ea"/>'
        yield f'<text x="{left + _LEFT - 6}" y="{at_y(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
    for x, label in x_ticks:
        yield f'<text x="{at_x(x):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{escape(label)}</text>'
    middle = (left + _LEFT + right) / 2
    yield f'<text x="{middle}" y="{_HEIGHT - 16}" text-anchor="middle">{escape(chart.x_label)}</text>'
    yield f'<text x="{left + 8}" y="{_TOP - 8}">{escape(chart.y_label)}</text>'
    for y, label in chart.marks:
        yield f'<path d="M{left + _LEFT} {at_y(y):.1f}H{right}" stroke="#c0392b" stroke-dasharray="5 4"/>'
        yield f'<text x="{left + _LEFT + 4}" y="{at_y(y) - 4:.1f}" fill="#c0392b">{escape(label)}</text>'
    for n, line in enumerate(chart.lines):
        yield from _drawn(line, _COLOURS[n % len(_COLOURS)], at_x, at_y)
    for n, line in enumerate(chart.lines):
        x = left + _LEFT + n * (right - left - _LEFT) / len(chart.lines)
        yield f'<text x="{x:.1f}" y="38" fill="{_COLOURS[n % len(_COLOURS)]}">{escape(line.name)}</text>'


def _drawn(line: Line, colour: str, at_x: Callable[[float], float], at_y: Callable[[float], float]) -> Iterator[str]:
    places = [(at_x(x), at_y(y)) for x, y in line.points]
    if places:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'


def _scale(values: Sequence[float], log: bool, low: float, high: float) -> Callable[[float], float]:
    """Maps the range of `values` to `[low, high]`."""
    shape = log10 if log else float
    first, last = shape(min(values)), shape(max(values))
    span = (last - first) or 1.0
    return lambda value: low + (shape(value) - first) / span * (high - low)


def _ticks(values: Sequence[float], log: bool) -> list[float]:
    """Round numbers around `values`."""
    least, most = min(values, default=1.0), max(values, default=1.0)
    if log:
        return [10.0**n for n in range(floor(log10(least)), ceil(log10(most)) + 1)]
    rough = (most - least) / 5 or 1.0
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough)
    return [step * n for n in range(floor(least / step), ceil(most / step) + 1)]


def _short(value: float) -> str:
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
