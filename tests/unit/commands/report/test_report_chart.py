"""The charts of a report: scale, bars, and what happens with long periods."""

import re
from collections import Counter
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from domain_secure.commands.report.report_chart import chart, nice_top
from domain_secure.policy.history.partner_report import Category

FIRST = date(2026, 9, 1)
KINDS = (Category.PASSED, Category.REFUSED)


def drawn(days: int, counts: dict[date, Counter[Category]]) -> ET.Element:
    """Return a chart as the tree that a browser makes of it."""
    period = [FIRST + timedelta(days=number) for number in range(days)]
    return ET.fromstring(chart(period, counts, KINDS, "a <title> & more"))  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 4), (1, 4), (4, 4), (5, 8), (9, 12), (21, 40), (41, 60), (81, 100), (1000, 1000), (1001, 1200)],
)
def test_scale(highest: int, top: int) -> None:
    """The scale ends at a round number that holds the highest bar, in four whole steps."""
    assert nice_top(highest) == top


def test_a_bar_is_as_high_as_its_count() -> None:
    """Heights are in proportion, and every bar says what it stands for."""
    tree = drawn(2, {FIRST: Counter({Category.PASSED: 4, Category.REFUSED: 2})})
    heights = {one.get("class"): float(one.get("height", "0")) for one in tree.iter("rect")}
    assert heights["c-passed"] == pytest.approx(2 * heights["c-refused"], abs=0.2)
    told = [title.text for title in tree.iter("title")]
    assert "Tuesday, 2026-09-01: 4 passed, 2 refused" in told
    assert "Wednesday, 2026-09-02: nothing" in told


def test_nothing_leaves_the_picture() -> None:
    """All bars lie within the frame, for one day and for a year."""
    for days in (1, 7, 62, 63, 365):
        counts = {FIRST + timedelta(days=one): Counter({Category.PASSED: one + 1}) for one in range(days)}
        tree = drawn(days, counts)
        width, height = map(float, (tree.get("viewBox") or "").split()[2:])
        for bar in tree.iter("rect"):
            assert 0 <= float(bar.get("x", "")) <= width - float(bar.get("width", ""))
            assert 0 <= float(bar.get("y", "")) <= height - float(bar.get("height", ""))


def test_long_periods_are_in_weeks() -> None:
    """More bars than one can tell apart become weeks, and no message is lost."""
    counts = {FIRST + timedelta(days=one): Counter({Category.PASSED: 1}) for one in range(90)}
    told = [title.text or "" for title in drawn(90, counts).iter("title")][1:]
    assert len(told) == 13
    assert sum(int(number) for text in told for number in re.findall(r": (\d+) passed", text)) == 90
