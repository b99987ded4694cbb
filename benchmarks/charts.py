"""The charts of `docs/benchmarks.md`, drawn as SVG from figures that are kept. Not the measuring.

python -m benchmarks.charts

writes into docs/pictures: pareto.svg, quality against seconds of training on ml-1m, of
`figures.json`; scaling.svg, seconds of an epoch against users and items, of `scaling.json`.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import read_figures

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SCALING = Path(__file__).with_name("scaling.json")
"""What `python -m benchmarks.training --task scaling --json` printed."""
DATA = "ml-1m"
METRIC = "ndcg@100"
WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 420, 260, 60, 44, 34
"""Pixels of a plot, of what is left of it and below, and of its title above."""
COLOURS = ("#33658a", "#c8553d", "#4a7c59", "#8e6c8a")

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From which value to which, on a scale of logarithms or of even steps."""

    name: str
    low: float
    high: float
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies, from 0 to 1."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        """Where numbers stand: the powers of ten times 1, 2 and 5, or four even steps."""
        if not self.logarithmic:
            return [self.low + (self.high - self.low) * step / 4 for step in range(5)]
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        all_of_them = [times * 10.0**power for power in powers for times in (1, 2, 5)]
        return [each for each in all_of_them if self.low <= each <= self.high]


@dataclass(frozen=True)
class Plot:
    """Points, or lines through them, by the name of the series; names of points stand beside."""

    title: str
    x: Axis
    y: Axis
    series: Mapping[str, Sequence[Point]]
    lines: bool = True

    def svg(self, left: float) -> list[str]:
        """Its elements, `left` pixels from the edge of the picture."""
        parts = [
            f'<text x="{left + LEFT}" y="20" font-weight="bold">{self.title}</text>',
            f'<path d="M{left + LEFT} {ABOVE} v{HEIGHT} h{WIDTH}" fill="none" stroke="#666"/>',
            f'<text x="{left + LEFT + WIDTH / 2:.0f}" y="{ABOVE + HEIGHT + 38}" '
            f'text-anchor="middle">{self.x.name}</text>',
            *self._ticks(left),
        ]
        for number, (name, points) in enumerate(self.series.items()):
            colour = COLOURS[number % len(COLOURS)] if self.lines else COLOURS[0]
            parts += self._marks(left, name, points, colour)
        return parts

    def _ticks(self, left: float) -> list[str]:
        across = [
            f'<text x="{self._x(left, each):.1f}" y="{ABOVE + HEIGHT + 18}" '
            f'text-anchor="middle">{_short(each)}</text>'
            for each in self.x.ticks()
        ]
        up = [
            f'<text x="{left + LEFT - 6}" y="{self._y(each) + 4:.1f}" '
            f'text-anchor="end">{_short(each)}</text>'
            for each in self.y.ticks()
        ]
        return across + up

    def _marks(self, left: float, name: str, points: Sequence[Point], colour: str) -> list[str]:
        places = [(self._x(left, x), self._y(y)) for x, y in points]
        marks = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
        if self.lines:
            path = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            marks.append(f'<path d="M{path}" fill="none" stroke="{colour}"/>')
        x, y = places[-1]
        ends = x > left + LEFT + 0.75 * WIDTH
        side = f'x="{x - 7:.1f}" text-anchor="end"' if ends else f'x="{x + 7:.1f}"'
        return [*marks, f'<text {side} y="{y - 7:.1f}" fill="{colour}">{name}</text>']

    def _x(self, left: float, value: float) -> float:
        return left + LEFT + WIDTH * self.x.share(value)

    def _y(self, value: float) -> float:
        return ABOVE + HEIGHT * (1 - self.y.share(value))


def picture(plots: Sequence[Plot]) -> str:
    """The plots side by side, as SVG."""
    wide, high = (LEFT + WIDTH + 30) * len(plots), ABOVE + HEIGHT + BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{'; '.join(plot.title for plot in plots)}</title>",
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
    ]
    for number, plot in enumerate(plots):
        parts += plot.svg((LEFT + WIDTH + 30) * number)
    return "\n".join([*parts, "</svg>", ""])


def pareto() -> str:
    """Each run of which there is a figure on DATA, a point; runs that rank alone."""
    points = {
        run: [(max(by_data[DATA].seconds, 1), by_data[DATA].metrics[METRIC])]
        for run, by_data in sorted(read_figures().items())
        if DATA in by_data and METRIC in by_data[DATA].metrics
    }
    seconds, quality = zip(*(point for (point,) in points.values()), strict=True)
    x = Axis("seconds of the fit", min(seconds) / 1.5, 1.5 * max(seconds), logarithmic=True)
    y = Axis("NDCG@100", math.floor(50 * min(quality)) / 50, math.ceil(50 * max(quality)) / 50)
    return picture([Plot(f"NDCG@100 on {DATA}, by seconds of the fit", x, y, points, lines=False)])


def scaling() -> str:
    """Seconds of an epoch against users and against items, a line each way to reckon it."""
    plots = []
    for axis, rows in json.loads(SCALING.read_text())["figures"].items():
        ways = [name for name in rows[0] if name not in ("users", "items")]
        series = {way: [(row[axis], row[way]) for row in rows] for way in ways}
        points = [point for line in series.values() for point in line]
        sizes, seconds = zip(*points, strict=True)
        x = Axis(axis, min(sizes), max(sizes), logarithmic=True)
        y = Axis("seconds", 0.8 * min(seconds), 1.2 * max(seconds), logarithmic=True)
        plots.append(Plot(f"Seconds of an epoch by {axis}", x, y, series))
    return picture(plots)


CHARTS = {"pareto.svg": pareto, "scaling.svg": scaling}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"


def main() -> int:
    """Draw them all."""
    for name, draw in CHARTS.items():
        (PICTURES / name).write_text(draw())
    return 0


if __name__ == "__main__":
    sys.exit(main())
