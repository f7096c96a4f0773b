"""A chart of stacked daily bars, as SVG.

Owns: scale, grid, bars and labels; colours are the page's, by class.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from domain_secure.policy.history.partner_report import Category

from .markup import Markup, element

_WIDTH, _HEIGHT = 490, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 4, 8, 24
_MOST_BARS = 62
_MOST_LABELS = 8
_WIDEST_BAR = 30.0
_STEPS = (10, 15, 20, 25, 30, 40, 50, 75)  #: of a scale, in tenths of a power of ten

Days = Mapping[date, Counter[Category]]


def chart(days: Sequence[date], counts: Days, categories: Sequence[Category], title: str) -> Markup:
    """Return the chart of *categories* over all *days*; beyond two months a bar is a week."""
    groups = _groups(days)
    sums = [
        (group, {one: sum(counts.get(day, Counter())[one] for day in group) for one in categories})
        for group in groups
    ]
    top = nice_top(max((sum(values.values()) for _, values in sums), default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(sums), 1)
    every = -(-len(sums) // _MOST_LABELS)
    bars: list[Markup] = []
    for number, (group, values) in enumerate(sums):
        middle = _LEFT + step * (number + 0.5)
        bars.append(_bar(group, values, middle, min(step * 0.78, _WIDEST_BAR), top))
        if number % every == 0:
            label = f"{group[0]:%d %b}"
            bars.append(
                element("text", label, x=_round(middle), y=_HEIGHT - 7, class_="tick", text_anchor="middle")
            )
    return element(
        "svg",
        element("title", title),
        _grid(top),
        bars,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=title,
        class_="chart",
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


def _grid(top: int) -> list[Markup]:
    lines: list[Markup] = []
    for quarter in range(5):
        value = top * quarter // 4
        y = _round(_y(value, top))
        lines.append(
            element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="axis" if not value else "grid")
        )
        lines.append(
            element(
                "text", f"{value:,}", x=_LEFT - 6, y=f"{float(y) + 4:.1f}", class_="tick", text_anchor="end"
            )
        )
    return lines


def _bar(
    group: Sequence[date], values: Mapping[Category, int], middle: float, width: float, top: int
) -> Markup:
    rectangles: list[Markup] = []
    below = 0
    for category, value in values.items():
        if value:
            upper, lower = _y(below + value, top), _y(below, top)
            rectangles.append(
                element(
                    "rect",
                    x=_round(middle - width / 2),
                    y=_round(upper),
                    width=_round(width),
                    height=_round(max(lower - upper, 0.8)),
                    class_=f"c-{category.name.lower()}",
                )
            )
            below += value
    span = f"{group[0]:%A, %Y-%m-%d}" if len(group) == 1 else f"{group[0]:%Y-%m-%d} to {group[-1]:%Y-%m-%d}"
    told = ", ".join(f"{value:,} {category}" for category, value in values.items() if value) or "nothing"
    return element("g", element("title", f"{span}: {told}"), rectangles)


def _round(value: float) -> str:
    return f"{value:.1f}"
