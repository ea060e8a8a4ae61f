"""Two charts as SVG, drawn by hand: the scorer has no plotting library.

Colours are those of the page around them (``currentColor`` and its custom properties), so
they suit a light and a dark page; a screen reader reads their title and description.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 460, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 14, 52
_TICKS = 5
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """A named axis in per cent.

    Attributes:
        name: what stands beside it.
        low, high: its ends, as shares.
    """

    name: str
    low: float
    high: float

    @classmethod
    def up_to(cls, name: str, largest: float) -> Axis:
        """An axis from 0 to ``largest``, a share, or to where its ticks are round numbers."""
        return cls(name, 0.0, _TICKS * next(step for step in _STEPS if _TICKS * step >= largest))

    def place(self, value: float) -> float:
        """Where a value lies between the two ends, from 0 to 1."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Values at even distances, and what is written at them."""
        step = (self.high - self.low) / _TICKS
        digits = 0 if step >= 0.0099 else 1
        values = [self.low + step * i for i in range(_TICKS + 1)]
        return [(value, f"{value * 100:.{digits}f}%") for value in values]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    Attributes:
        name: its id in the page: letters, digits and hyphens.
        title, description: what a screen reader reads.
        x, y: the axes.
        line: points that a line goes through.
        dots: points with what the pointer shows at each.
        even: draw the diagonal on which x equals y.
    """

    name: str
    title: str
    description: str
    x: Axis
    y: Axis
    line: Sequence[Point] = ()
    dots: Sequence[tuple[Point, str]] = ()
    even: bool = False

    def svg(self) -> str:
        """The chart as an ``svg`` element."""
        parts = [*self._axes()]
        if self.even:
            ends = (max(self.x.low, self.y.low), min(self.x.high, self.y.high))
            parts.append(f'<path class="even" d="{self._path([(end, end) for end in ends])}"/>')
        if self.line:
            parts.append(f'<path class="line" d="{self._path(self.line)}"/>')
        for point, text in self.dots:
            x, y = self._at(point)
            parts.append(
                f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5">'
                f"<title>{html.escape(text)}</title></circle>"
            )
        return (
            f'<svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'aria-labelledby="{self.name}-title {self.name}-text">\n'
            f'<title id="{self.name}-title">{html.escape(self.title)}</title>\n'
            f'<desc id="{self.name}-text">{html.escape(self.description)}</desc>\n'
            + "\n".join(parts)
            + "\n</svg>"
        )

    def _at(self, point: Point) -> Point:
        across, up = self.x.place(point[0]), self.y.place(point[1])
        x = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
        return x, _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    def _path(self, points: Sequence[Point]) -> str:
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in map(self._at, points))

    def _axes(self) -> list[str]:
        left, bottom = _LEFT, _HEIGHT - _BOTTOM
        parts = []
        for value, text in self.x.ticks():
            x, _ = self._at((value, self.y.low))
            parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" class="middle">{text}</text>')
        for value, text in self.y.ticks():
            _, y = self._at((self.x.low, value))
            parts.append(f'<path class="grid" d="M{left} {y:.1f}H{_WIDTH - _RIGHT}"/>')
            parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" class="end">{text}</text>')
        middle = ((left + _WIDTH - _RIGHT) / 2, (_TOP + bottom) / 2)
        name, beside = html.escape(self.x.name), html.escape(self.y.name)
        parts.append(f'<text x="{middle[0]}" y="{_HEIGHT - 10}" class="middle">{name}</text>')
        turned = f'transform="translate(15 {middle[1]}) rotate(-90)"'
        parts.append(f'<text {turned} class="middle">{beside}</text>')
        return parts
