"""JSON and times that somebody else may have written."""

from datetime import UTC, datetime

import pytest

from domain_secure.policy.terms.kept_json import parse_json, parse_utc


@pytest.mark.parametrize(
    "content",
    ["", "{", b"\xff", "[1e999]", "NaN", "-Infinity", "[" * 100_000, b'{"a":' * 100_000, "9" * 5000],
)
def test_what_is_no_document(content: str | bytes) -> None:
    """However it is broken, and however deep it goes, there is one error for it."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(content)


def test_a_document() -> None:
    """What is one is read."""
    assert parse_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize("text", ["", "yesterday", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_time(text: str) -> None:
    """A time that no clock in UTC can show is none."""
    with pytest.raises(ValueError, match=r"."):
        parse_utc(text)


def test_a_time() -> None:
    """What is one is in UTC."""
    assert parse_utc("2026-11-27T13:00:00+01:00") == datetime(2026, 11, 27, 12, tzinfo=UTC)
