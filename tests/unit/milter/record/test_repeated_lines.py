"""A fault that goes on does not fill the log."""

import logging

from domain_secure.milter.record.repeated_lines import RepeatedLines
from domain_secure.policy.terms.event import Event


def passes(lines: RepeatedLines, event: Event) -> bool:
    """Tell whether the filter lets an event pass."""
    return lines.filter(logging.LogRecord("domain_secure", event.level, "", 0, event, None, None))


def test_the_same_line_is_written_once_in_ten_minutes_and_counted() -> None:
    """Another cause, a note, and what people wait for are written each time."""
    now, told = [0.0], list[Event]()
    lines = RepeatedLines(told.append, lambda: now[0])
    failed = Event.of(logging.ERROR, "maps-failed", detail="no space")
    assert [passes(lines, failed) for _ in range(60)] == [True] + [False] * 59
    assert passes(lines, Event.of(logging.ERROR, "maps-failed", detail="another"))
    for level, word in ((logging.INFO, "configuration-loaded"), (logging.ERROR, "configuration-rejected")):
        assert all(passes(lines, Event.of(level, word)) for _ in range(3))
    assert not told
    now[0] = 601.0
    assert passes(lines, failed)
    assert [str(event) for event in told] == ["lines-left-out of=maps-failed number=59"]


def test_what_is_remembered_is_bounded() -> None:
    """A fault that words itself anew each time takes no memory for ever."""
    lines = RepeatedLines(lambda _: None, lambda: 0.0)
    first = Event.of(logging.ERROR, "word", number=0)
    for number in range(1000):
        assert passes(lines, Event.of(logging.ERROR, "word", number=number))
    assert passes(lines, first)
