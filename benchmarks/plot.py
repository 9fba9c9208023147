"""Figures over sizes as a picture: SVG, both axes logarithmic, made of text alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 720, 420, 70, 50, 40, 230
_COLOURS: Final = ("#1b6ca8", "#c0392b", "#7d8a2e", "#8e5ea2", "#444444")

Points = Sequence[tuple[float, float]]


def draw(title: str, x_name: str, y_name: str, lines: Mapping[str, Points]) -> str:
    """An SVG of these lines, each a list of (x, y), all above 0."""
    every = [point for points in lines.values() for point in points]
    xs, ys = _decades([x for x, _ in every]), _decades([y for _, y in every])
    parts = [_grid(xs, ys), _words(title, x_name, y_name)]
    for i, (name, points) in enumerate(lines.items()):
        places = [(_across(x, xs), _up(y, ys)) for x, y in points]
        parts.append(_line(name, places, _COLOURS[i % len(_COLOURS)], i))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The range of an axis, as logarithms: half decades around all values."""
    low, high = (math.log10(one) * 2 for one in (min(values), max(values)))
    return math.floor(low - 0.1) / 2, math.ceil(high + 0.1) / 2


def _across(x: float, xs: tuple[float, float]) -> float:
    return _LEFT + (math.log10(x) - xs[0]) / (xs[1] - xs[0]) * (_WIDTH - _LEFT - _RIGHT)


def _up(y: float, ys: tuple[float, float]) -> float:
    return _HEIGHT - _BOTTOM - (math.log10(y) - ys[0]) / (ys[1] - ys[0]) * (_HEIGHT - _BOTTOM - _TOP)


def _marks(low: float, high: float) -> list[float]:
    marks = [k * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for k in (1, 3)]
    return [mark for mark in marks if low <= math.log10(mark) <= high]


def _grid(xs: tuple[float, float], ys: tuple[float, float]) -> str:
    parts = []
    for mark in _marks(*xs):
        x = _across(mark, xs)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{mark:,.0f}</text>')
    for mark in _marks(*ys):
        y = _up(mark, ys)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:,g}</text>')
    return "\n".join(parts)


def _words(title: str, x_name: str, y_name: str) -> str:
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return (
        f'<text x="{_LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>\n'
        f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x_name)}</text>\n'
        f'<text x="16" y="{_HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {_HEIGHT / 2})">'
        f"{escape(y_name)}</text>"
    )


def _line(name: str, places: Sequence[tuple[float, float]], colour: str, i: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places)
    x, y = _WIDTH - _RIGHT + 18, _TOP + 20 + 24 * i
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}\n'
        f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        f'<text x="{x + 16}" y="{y}">{escape(name)}</text>'
    )
