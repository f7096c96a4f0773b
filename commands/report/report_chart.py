"""A chart of stacked daily bars, as SVG.

Owns: scale, grid, bars and labels, which ``report_chart.svg`` draws; colours are the page's, by class.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from domain_secure.policy.history.partner_report import Category
from domain_secure.policy.templates.html_template import rendered

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATE = Path(__file__).with_name("report_chart.svg")
_WIDTH, _HEIGHT = 490, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 4, 8, 24
_MOST_BARS = 62
_MOST_LABELS = 8
_WIDEST_BAR = 30.0
_STEPS = (10, 15, 20, 25, 30, 40, 50, 75)  #: of a scale, in tenths of a power of ten

Days = Mapping[date, Counter[Category]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One category's share of a bar, in the chart's units."""

    category: Category
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class _Bar:
    """A day or a week: what is told of it, and the day under it where there is room for one."""

    told: str
    parts: tuple[_Part, ...]
    middle: str
    label: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the grid, with its value to the left."""

    value: int
    y: str
    label_y: str


def chart(days: Sequence[date], counts: Days, categories: Sequence[Category], title: str) -> "Markup":
    """Return the chart of *categories* over all *days*; beyond two months a bar is a week."""
    groups = _groups(days)
    sums = [
        (group, {one: sum(counts.get(day, Counter())[one] for day in group) for one in categories})
        for group in groups
    ]
    top = nice_top(max((sum(values.values()) for _, values in sums), default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(sums), 1)
    every = -(-len(sums) // _MOST_LABELS)
    width = min(step * 0.78, _WIDEST_BAR)
    bars: list[_Bar] = []
    for number, (group, values) in enumerate(sums):
        middle = _LEFT + step * (number + 0.5)
        label = f"{group[0]:%d %b}" if number % every == 0 else ""
        bars.append(_Bar(_told(group, values), _parts(values, middle, width, top), _round(middle), label))
    return rendered(
        _TEMPLATE,
        title=title,
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        grid=_grid(top),
        bars=bars,
    )


def nice_top(highest: int) -> int:
    """Return the end of a scale with four equal steps in whole numbers that holds *highest*."""
    base = 1
    while True:
        for tenth in _STEPS:
            step, rest = divmod(tenth * base, 10)
            if not rest and step * 4 >= highest:
                return step * 4
        base *= 10


def _groups(days: Sequence[date]) -> list[tuple[date, ...]]:
    if len(days) <= _MOST_BARS:
        return [(day,) for day in days]
    weeks: dict[date, list[date]] = {}
    for day in days:
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(day)
    return [tuple(week) for week in weeks.values()]


def _y(value: float, top: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top


def _grid(top: int) -> list[_Line]:
    values = [top * quarter // 4 for quarter in range(5)]
    heights = [_round(_y(value, top)) for value in values]
    return [_Line(value, y, _round(float(y) + 4)) for value, y in zip(values, heights, strict=True)]


def _parts(values: Mapping[Category, int], middle: float, width: float, top: int) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    below = 0
    for category, value in values.items():
        if value:
            upper, lower = _y(below + value, top), _y(below, top)
            height = max(lower - upper, 0.8)
            parts.append(
                _Part(category, _round(middle - width / 2), _round(upper), _round(width), _round(height))
            )
            below += value
    return tuple(parts)


def _told(group: Sequence[date], values: Mapping[Category, int]) -> str:
    span = f"{group[0]:%A, %Y-%m-%d}" if len(group) == 1 else f"{group[0]:%Y-%m-%d} to {group[-1]:%Y-%m-%d}"
    told = ", ".join(f"{value:,} {category}" for category, value in values.items() if value) or "nothing"
    return f"{span}: {told}"


def _round(value: float) -> str:
    return f"{value:.1f}"
