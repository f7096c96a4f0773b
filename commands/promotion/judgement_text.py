"""What was seen of a partner, and what speaks against enforcing, in words and as a document."""

from collections.abc import Iterator
from typing import Any

from domain_secure.commands.log.record_text import printable
from domain_secure.policy.promotion.promotion import Failure, Judgement, Watched

_SHOWN_GAPS = 5


def judgement_lines(watched: Watched, judgement: Judgement) -> Iterator[str]:
    """Yield what was seen, what speaks against enforcing, and what would mend it."""
    since = watched.since.astimezone()
    yield f"{watched.entry} since {since:%Y-%m-%d %H:%M %Z}: {judgement.passed} passed"
    for one in judgement.failures:
        yield from _failure_lines(one)
    for one in judgement.forgeries:
        yield f"  {one.count} of a stranger ({one.verdict.word}): this is what enforcing is for"
    for start, end in judgement.down[-_SHOWN_GAPS:]:
        first, last = start.astimezone(), end.astimezone()
        yield (
            f"  not watched from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}: the daemon did not run, as "
            "far as is known"
        )
    if (more := len(judgement.down) - _SHOWN_GAPS) > 0:
        yield f"  and {more} gaps before"
    for clause in judgement.unknown:
        yield f"  not known to be clean: {clause}"


def _failure_lines(one: Failure) -> Iterator[str]:
    effect = "deferred" if one.verdict.is_temporary else "refused"
    last = one.last.astimezone()
    what = f"{one.count} would be {effect} ({one.verdict.word}), the last at {last:%Y-%m-%d %H:%M}"
    yield f"  {what}: {printable(one.detail)}"
    for doubt in one.doubts:
        yield f"      not certain: {doubt}"
    for mend in one.mends:
        yield f"      to mend it: {printable(mend)}"


def judgement_document(watched: Watched, judgement: Judgement) -> dict[str, Any]:
    """Return the same for ``--json``."""
    return {
        "domain": watched.entry,
        "mode": "observe",
        "since": watched.since.isoformat(timespec="seconds"),
        "until": watched.until.isoformat(timespec="seconds"),
        "clean": judgement.is_clean,
        "passed": judgement.passed,
        "failures": [
            {
                "verdict": one.verdict.word,
                "detail": one.detail,
                "count": one.count,
                "last": one.last.isoformat(timespec="seconds"),
                "forgery": one.is_forgery,
                "mends": list(one.mends),
                "not_known": list(one.doubts),
            }
            for one in (*judgement.failures, *judgement.forgeries)
        ],
        "down": [
            {"since": start.isoformat(timespec="seconds"), "until": end.isoformat(timespec="seconds")}
            for start, end in judgement.down
        ],
        "unknown": list(judgement.unknown),
    }
