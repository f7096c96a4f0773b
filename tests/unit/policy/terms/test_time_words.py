"""How operators write times."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.terms.time_words import parse_moment, parse_span

BERLIN = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 25, 20, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1d12h", timedelta(hours=36)),
    ],
)
def test_spans(text: str, span: timedelta) -> None:
    """A number and a letter, as often as wanted."""
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "-7d", "7y", "0s", "99999999w", "7d!", "٧d", "1.5h"])
def test_no_spans(text: str) -> None:
    """Anything else is refused, and so are no time and more than a century."""
    with pytest.raises(ValueError, match="is n"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1h", datetime(2026, 11, 25, 18, tzinfo=UTC)),
        ("2026-11-25", datetime(2026, 11, 24, 23, tzinfo=UTC)),
        ("2026-11-25T14:30", datetime(2026, 11, 25, 13, 30, tzinfo=UTC)),
        ("2026-11-25T14:30Z", datetime(2026, 11, 25, 14, 30, tzinfo=UTC)),
        ("2026-11-25 14:30:05+02:00", datetime(2026, 11, 25, 12, 30, 5, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    """So long ago, or a time, in the operator's zone unless it names one."""
    assert parse_moment(text, NOW) == moment


@given(st.text(max_size=20))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    """Nothing else comes out, whatever is written."""
    with suppress(ValueError):
        assert parse_moment(text, NOW).tzinfo is not None
