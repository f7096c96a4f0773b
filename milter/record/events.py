"""The lines about the history and the log levels (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def history_set_aside(file: str, detail: str) -> Event:
    """Return the line for a history that cannot be used and made way for a new one."""
    return Event.of(logging.ERROR, "history-set-aside", file=file, detail=detail)


def history_failed(problem: str) -> Event:
    """Return the line for records that are not kept, at the first of them."""
    return Event.of(logging.ERROR, "history-failed", detail=problem)


def history_resumed() -> Event:
    """Return the line for records that are kept again."""
    return Event.of(logging.INFO, "history-resumed")


def log_levels_rejected(problem: str) -> Event:
    """Return the line for temporary log levels that cannot be read; the former ones stay."""
    return Event.of(logging.ERROR, "log-levels-rejected", detail=problem)


def log_levels_changed(levels: str) -> Event:
    """Return the line for a protocol log that says more or less from now on."""
    return Event.of(logging.INFO, "log-levels-changed", temporary=levels)


def services_unknown(problem: str) -> Event:
    """Return the line for levels of single services that cannot be applied: where these listen is unknown."""
    return Event.of(logging.ERROR, "log-services-unknown", detail=problem)


def lines_left_out(word: str, number: int) -> Event:
    """Return the line for equal lines of one fault that were not written since the last of them."""
    return Event.of(logging.INFO, "lines-left-out", of=word, number=number)


def counted_anew(problem: str) -> Event:
    """Return the line for counters that begin at 0, because what was counted before cannot be read."""
    return Event.of(logging.ERROR, "counted-anew", detail=problem)
