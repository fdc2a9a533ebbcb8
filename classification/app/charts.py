"""Charts of the Train and Propagate tabs as SVG: drawn in a millisecond, coloured by the page.

A chart is drawn anew several times a second while training runs, beside people who label: a figure
of matplotlib takes 50 to 100 ms of the server's one thread each time.
"""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from classification.app.progress import Losses
from classification.app.scores import BINS, ClassScores, PartScores

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 900, 46, 10, 30, 34  # drawn at about this width
_POINTS = 240  # of a line; beyond that steps are averaged
Points = Sequence[tuple[float, float]]


def loss_chart(losses: Losses, *, height: int = 180) -> str:
    """Losses by step: on labels, on pseudo-labels, and of validation items after each epoch."""
    lines = [
        ("labels", "first", _averaged(losses.labelled)),
        ("pseudo-labels", "second", _averaged(losses.unlabelled)),
        ("validation", "third", [(float(x), y) for x, y in losses.held_out]),
    ]
    lines = [line for line in lines if any(y for _, y in line[2])]
    top = max([1e-3, *(y for _, _, points in lines for _, y in points)])
    area = _Area(height=height, x_max=max(1, losses.total), y_max=_round_up(top))
    parts = [_axes(area, x_name="step", y_name="loss")]
    parts += [
        _line(area, points, colour, dots=name == "validation") for name, colour, points in lines
    ]
    parts.append(_legend([(name, colour) for name, colour, _ in lines]))
    return _svg("Loss by training step", height, parts)


def histogram_chart(scores: ClassScores, *, height: int = 180) -> str:
    """Scores of one class: positive, negative and unlabelled items, of train and validation."""
    wide = (_WIDTH - _LEFT - _RIGHT - 30) / 2
    shares = [_share(scores.unlabelled)]
    for part in (scores.train, scores.validation):
        shares += [_share(part.positive), _share(part.negative)]
    top = _round_up(max(float(share.max(initial=0)) for share in shares) or 1.0)
    parts = [_legend([("shows it", "first"), ("does not", "second"), ("unlabelled", "muted")])]
    for i, (name, part) in enumerate((("train", scores.train), ("validation", scores.validation))):
        left = _LEFT + i * (wide + 30)
        area = _Area(height=height, x_max=1.0, y_max=top, left=left, width=wide, percent=True)
        counts = f"{int(part.positive.sum()):,} show it, {int(part.negative.sum()):,} do not"
        x_name = f"score, {name}: {counts}"
        parts += [_axes(area, x_name=x_name, y_name="" if i else "share"), *_bars(area, part)]
        parts.append(_outline(area, _share(scores.unlabelled)))
    return _svg(f"Scores of {scores.name}", height, parts)


class _Area:
    """From values to pixels."""

    def __init__(
        self,
        *,
        height: int,
        x_max: float,
        y_max: float,
        left: float = _LEFT,
        width: float = _WIDTH - _LEFT - _RIGHT,
        percent: bool = False,
    ) -> None:
        self.left, self.width, self.x_max, self.y_max = left, width, x_max, y_max
        self.top, self.bottom, self.percent = _TOP, height - _BOTTOM, percent

    def x(self, value: float) -> float:
        return round(self.left + self.width * value / self.x_max, 1)

    def y(self, value: float) -> float:
        return round(self.bottom - (self.bottom - self.top) * value / self.y_max, 1)


def _axes(area: _Area, *, x_name: str, y_name: str) -> str:
    """Four grid lines with their values; the x axis from 0 to its end."""
    parts = []
    for i in range(5):
        value = area.y_max * i / 4
        text = f"{value:.0%}" if area.percent else f"{value:.3g}"
        y = area.y(value)
        parts.append(f'<path class="grid" d="M{area.left} {y}h{area.width:.1f}"/>')
        if y_name:
            parts.append(f'<text x="{area.left - 6}" y="{y + 4}" text-anchor="end">{text}</text>')
    ends = (0, area.x_max / 2, area.x_max)
    for value, anchor in zip(ends, ("start", "middle", "end"), strict=True):
        text = f"{value:g}" if area.percent else f"{value:,.0f}"
        y = area.bottom + 14
        parts.append(f'<text x="{area.x(value)}" y="{y}" text-anchor="{anchor}">{text}</text>')
    middle = area.left + area.width / 2
    y = area.bottom + 29
    parts.append(f'<text x="{middle:.0f}" y="{y}" text-anchor="middle">{escape(x_name)}</text>')
    if y_name:
        parts.append(f'<text x="2" y="{_TOP - 12}">{escape(y_name)}</text>')
    return "".join(parts)


def _line(area: _Area, points: Points, colour: str, *, dots: bool) -> str:
    path = " ".join(f"{area.x(x)},{area.y(y)}" for x, y in points)
    marks = [f'<circle cx="{area.x(x)}" cy="{area.y(y)}" r="3"/>' for x, y in points if dots]
    return f'<g class="{colour}"><polyline points="{path}"/>{"".join(marks)}</g>'


def _bars(area: _Area, part: PartScores) -> Iterable[str]:
    """Positive items in the left half of each bin, negative ones in the right half."""
    for place, (colour, counts) in enumerate((("first", part.positive), ("second", part.negative))):
        path = []
        for i, share in enumerate(_share(counts)):
            if share:
                x = area.x((i + 0.08 + 0.42 * place) / BINS)
                wide = area.width * 0.42 / BINS
                path.append(f"M{x} {area.bottom}V{area.y(share)}h{wide:.1f}V{area.bottom}z")
        yield f'<path class="{colour} bar" d="{"".join(path)}"/>'


def _outline(area: _Area, share: NDArray[np.float64]) -> str:
    steps = "".join(f"V{area.y(s)}H{area.x((i + 1) / BINS)}" for i, s in enumerate(share))
    drawn = f"M{area.x(0)} {area.bottom}{steps}V{area.bottom}" if share.any() else ""
    return f'<path class="muted outline" d="{drawn}"/>'


def _legend(names: Iterable[tuple[str, str]]) -> str:
    parts, x = [], float(_LEFT)
    for name, colour in names:
        parts.append(f'<rect class="{colour} bar" x="{x:.0f}" y="8" width="11" height="11"/>')
        parts.append(f'<text class="strong" x="{x + 16:.0f}" y="18">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    return "".join(parts)


def _svg(title: str, height: int, parts: Iterable[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _averaged(values: Sequence[float]) -> Points:
    """(step, mean of the steps up to it), at most `_POINTS` of them."""
    every = max(1, -(-len(values) // _POINTS))
    chunks = (values[i : i + every] for i in range(0, len(values), every))
    return [((i + 1) * every, sum(c) / len(c)) for i, c in enumerate(chunks)]


def _share(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return counts / max(1, counts.sum())


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 8, 10 times a power of ten: four grid lines with short names."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(n for n in (1, 2, 4, 8, 10) if n * power >= value * 0.999) * power)
