"""Pins with a time: how they are written, and when they count."""

from datetime import UTC, datetime

import pytest

from domain_secure.policy.terms.timed_pin import TimedPin, parse_time, time_text

PIN = "spki-sha256:" + "ab" * 32
NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        f"{PIN} from 2027-01-31T12:00:00Z",
        f"{PIN} until 2027-01-31T12:00:00Z",
        f"{PIN} from 2027-01-31T12:00:00Z until 2027-02-28T12:00:00Z",
        f"{PIN} from 0001-01-01T00:00:00Z until 9999-12-31T23:59:59Z",
    ],
)
def test_what_is_written_is_what_is_read(text: str) -> None:
    """Each form comes back as it was."""
    assert str(TimedPin.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        PIN,
        f"{PIN} from",
        f"{PIN} from 2027-01-31T12:00:00",
        f"{PIN} from tomorrow",
        f"{PIN} until 2027-01-31T12:00:00Z from 2027-01-01T12:00:00Z",
        f"{PIN} from 2027-01-31 from 2027-02-01",
        f"{PIN} from 2027-01-31 until 2027-01-31",
        f"{PIN} from 2027-01-31 until 2027-02-01 until",
        "sha1:ab from 2027-01-31",
        f"{PIN} from 0001-01-01T00:00:00+14:00",
        "",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Without a zone, without a time, twice, backwards, or of no pin."""
    with pytest.raises(ValueError, match=r".+"):
        TimedPin.parse(text)


def test_it_counts_from_its_beginning_until_its_end() -> None:
    """The first moment is part of the time, the last is not."""
    timed = TimedPin.parse(f"{PIN} from 2027-01-31T12:00:00Z until 2027-02-01")
    assert not timed.counts_at(datetime(2027, 1, 31, 11, 59, 59, tzinfo=UTC))
    assert timed.counts_at(NOON)
    assert timed.counts_at(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC))
    assert not timed.counts_at(datetime(2027, 2, 1, tzinfo=UTC))


def test_a_time_is_told_in_utc() -> None:
    """Whatever zone it was written in."""
    assert time_text(parse_time("2027-01-31T13:00:00+01:00")) == "2027-01-31T12:00:00Z"
