"""Pins that count for a time: a key that a partner has announced, and one that it gives up.

Sources: RFC 3339 for the times; RFC 7469 section 4.3 for why the next key is known before it is used.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Self

from .pin import Pin

_FROM, _UNTIL = "from", "until"


@dataclass(frozen=True, slots=True, order=True)
class TimedPin:
    """One pin, the moment from which it counts, and the moment until which it does.

    At least one of the two is there; both are aware times in UTC, and the end is not part of the time.
    """

    pin: Pin
    begins: datetime | None = None
    ends: datetime | None = None

    def __post_init__(self) -> None:
        if self.begins is None and self.ends is None:
            raise ValueError("a pin that counts always stands under `pins`")
        if self.begins is not None and self.ends is not None and self.begins >= self.ends:
            raise ValueError(f"the time of {self.pin} ends before it begins")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the pin written ``PIN from TIME until TIME``, with one of the two times or both.

        Raises ValueError for anything else.
        """
        words = text.split()
        pairs = list(zip(words[1::2], words[2::2], strict=False))
        names = [name.lower() for name, _ in pairs]
        if not pairs or len(words) != 1 + 2 * len(pairs) or names not in ([_FROM, _UNTIL], [_FROM], [_UNTIL]):
            raise ValueError(f"{text!r} is not a pin with `from` and a time, `until` and a time, or both")
        times = {name.lower(): parse_time(moment) for name, moment in pairs}
        return cls(Pin.parse(words[0]), times.get(_FROM), times.get(_UNTIL))

    def counts_at(self, moment: datetime) -> bool:
        """Tell whether the pin is believed at a moment."""
        return (self.begins is None or self.begins <= moment) and (self.ends is None or moment < self.ends)

    def __str__(self) -> str:
        """Return the configuration's spelling."""
        begins = f" {_FROM} {time_text(self.begins)}" if self.begins else ""
        ends = f" {_UNTIL} {time_text(self.ends)}" if self.ends else ""
        return f"{self.pin}{begins}{ends}"

    @property
    def told_time(self) -> str:
        """Return the time in words: ``from … until …``."""
        return str(self).partition(" ")[2]


def parse_time(text: str) -> datetime:
    """Return the moment written in RFC 3339, or as a date alone, which begins at midnight UTC.

    Raises ValueError for anything else, and for a time without a zone: nobody knows whose it is.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time") from error
    if len(text) == len("2027-01-31"):
        return datetime.combine(moment.date(), time(), UTC)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is a time without a zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is not a time") from error


def time_text(moment: datetime) -> str:
    """Return a moment as it is written: in UTC, to the second."""
    # Unlike strftime it writes four digits of any year.
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
