"""Reads what a monitoring plugin prints, as strictly as the Monitoring Plugins Development Guidelines are."""

import re
from dataclasses import dataclass

_FIRST = re.compile(
    r"(?P<service>[A-Z-]+) (?P<state>OK|WARNING|CRITICAL|UNKNOWN) - (?P<text>[^|]+?)"
    r"(?: \| (?P<numbers>[^|]+))?"
)
_RANGE = r"@?(?:(?:~|-?[0-9.]+)?:)?(?:-?[0-9.]+)?"
_NUMBER = re.compile(
    rf"(?P<label>[^='\s|]+)=(?P<value>U|-?[0-9.]+)(?P<unit>s|us|ms|%|B|KB|MB|TB|c)?"
    rf"(?:;(?P<warning>{_RANGE}))?(?:;(?P<critical>{_RANGE}))?(?:;(?P<least>-?[0-9.]*))?(?:;(?P<most>-?[0-9.]*))?"
)
EXIT_STATUS = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


@dataclass(frozen=True)
class Output:
    """What was read."""

    state: str
    text: str
    numbers: dict[str, tuple[str, str | None, str | None, str | None]]  #: value, unit, warning, critical
    more: tuple[str, ...]


def read(printed: str, status: int) -> Output:
    """Return what a plugin told with this exit status; asserts that it keeps to the form."""
    assert len(printed.encode()) <= 4096
    first, *more = printed.removesuffix("\n").split("\n")
    found = _FIRST.fullmatch(first)
    assert found, first
    assert EXIT_STATUS[found["state"]] == status
    assert all("|" not in line and line.isprintable() for line in (found["text"], *more))
    numbers = {}
    for written in (found["numbers"] or "").split():
        number = _NUMBER.fullmatch(written)
        assert number, written
        numbers[number["label"]] = (number["value"], number["unit"], number["warning"], number["critical"])
    return Output(found["state"], found["text"], numbers, tuple(more))


def is_beyond(value: float, threshold: str) -> bool:
    """Tell whether a value alerts by a range, as the guidelines' table of examples has it."""
    inside, threshold = threshold.startswith("@"), threshold.removeprefix("@")
    low, colon, high = threshold.rpartition(":")
    least = float("-inf") if low == "~" else float(low) if colon and low else 0.0
    most = float(high) if high else float("inf")
    return (least <= value <= most) is inside
