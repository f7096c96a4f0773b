"""Every message of a run at both ends: what its sender was told, and what arrived, with which mark.

Owns: what is lost, what is wrong, what is refused for good.  Must not know: which fault was put in.
A sender keeps a message until it is taken or refused for good, as a mail server does; a message of which
neither came about has been given up by the load, and counts as lost.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from lab.laboratory import WOODGROVE
from lab.messages import header_lines
from lab.story import MARK, RESULTS

_IDENTIFIER = re.compile(rb"^Message-ID: <(\w+)@", re.MULTILINE)  #: of messages.compose()
_FORGED = "ref=0000"  #: in story.FORGED_MARKS


class Kind(Enum):
    """Whose message it is."""

    PARTNER = "partner"  #: listed, with the partner's own certificate
    FORGER = "forger"  #: listed, without it
    STRANGER = "stranger"  #: not listed


@dataclass
class Sent:
    """A message and what its sender was told, try by try; None for a connection that broke."""

    kind: Kind
    mark: str
    told: list[int | None] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        """Tell whether the last try was taken over."""
        return self.told[-1:] == [250]

    @property
    def is_refused(self) -> bool:
        """Tell whether any try was refused for good."""
        return any(code is not None and code >= 500 for code in self.told)

    @property
    def is_done(self) -> bool:
        """Tell whether its sender may forget it."""
        return self.is_accepted or self.is_refused


@dataclass(frozen=True, slots=True)
class Told:
    """One reply: to a try from when to when, by the monotonic clock; None for a connection that broke."""

    began: float
    ended: float
    kind: Kind
    code: int | None

    @property
    def is_right(self) -> bool:
        """Tell whether it is what such a message gets where nothing is broken."""
        if self.code is None:
            return False
        return self.code >= 500 if self.kind is Kind.FORGER else self.code == 250


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of all messages; each list names messages, with what is wrong of each."""

    sent: Counter[Kind]
    tries: int
    lost: list[str]
    wrong: list[str]
    refused: list[str]
    twice: int  #: arrived more than once, after a connection that broke

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is lost, wrong or refused for good."""
        return not (self.lost or self.wrong or self.refused)

    def __str__(self) -> str:
        numbers = ", ".join(f"{self.sent[kind]} {kind.value}" for kind in Kind)
        told = f"{numbers}; lost {len(self.lost)}, wrong {len(self.wrong)}, refused {len(self.refused)}"
        return f"{told}, twice {self.twice}" if self.twice else told

    @property
    def examples(self) -> str:
        """Return the first of what is not good."""
        return "; ".join((*self.lost[:3], *self.wrong[:3], *self.refused[:3]))


class Ledger:
    """What was sent; written by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, Sent] = {}
        self._replies: list[Told] = []

    def open(self, kind: Kind, mark: str) -> Sent:
        """Note a message before its first try."""
        with self._lock:
            return self._sent.setdefault(mark, Sent(kind, mark))

    def told(self, sent: Sent, code: int | None, began: float) -> None:
        """Note the reply to a try in a session that *began* then, by the monotonic clock."""
        with self._lock:
            sent.told.append(code)
            self._replies.append(Told(began, time.monotonic(), sent.kind, code))

    def first_good(self, kind: Kind, after: float) -> float | None:
        """Return when the first right answer came to a message of this kind that was sent past a time."""
        with self._lock:
            told = [one for one in self._replies if one.kind is kind and one.began >= after and one.is_right]
        return min((one.ended for one in told), default=None)

    def last_failure(self, after: float) -> float:
        """Return when the last wrong answer came in a session that was opened past a time, or that time."""
        with self._lock:
            told = [one.ended for one in self._replies if one.began >= after and not one.is_right]
        return max(told, default=after)

    def replies(self, after: float = 0.0) -> list["Told"]:
        """Return the replies that came past a monotonic time."""
        with self._lock:
            return [one for one in self._replies if one.ended >= after]

    def accepted(self) -> set[str]:
        """Return what was taken over."""
        with self._lock:
            return {mark for mark, sent in self._sent.items() if 250 in sent.told}

    def judge(self, arrived: Iterable[bytes]) -> Judgement:
        """Return what became of all messages, of which these *arrived*."""
        found = list(_identified(arrived))
        copies = Counter(mark for mark, _ in found)
        with self._lock:
            every = list(self._sent.values())
        return Judgement(
            Counter(sent.kind for sent in every),
            sum(len(sent.told) for sent in every),
            [_told(sent, "never arrived") for sent in every if _is_lost(sent, copies)],
            [*_wrongly_taken(every), *_wrongly_marked(found, {sent.mark: sent for sent in every})],
            [_told(sent, "refused") for sent in every if sent.is_refused and sent.kind is not Kind.FORGER],
            sum(1 for mark, number in copies.items() if number > 1 and mark in self._sent),
        )


def _is_lost(sent: Sent, copies: Counter[str]) -> bool:
    """Tell whether what was taken over did not arrive, or what nobody refused was never taken."""
    if sent.kind is Kind.FORGER:
        return False
    return (250 in sent.told and not copies[sent.mark]) or not sent.is_done


def _wrongly_taken(every: Iterable[Sent]) -> Iterator[str]:
    return (_told(sent, "taken") for sent in every if sent.kind is Kind.FORGER and 250 in sent.told)


def _wrongly_marked(found: Iterable[tuple[str, bytes]], sent: dict[str, Sent]) -> Iterator[str]:
    for mark, text in found:
        if mark in sent and (fault := fault_of(sent[mark].kind, text)):
            yield _told(sent[mark], fault)


def fault_of(kind: Kind, text: bytes) -> str | None:
    """Return what is wrong with a message that arrived, or None."""
    marks = header_lines(text, MARK)
    results = [value for value in header_lines(text, RESULTS) if "x-domain-secure" in value]
    if kind is Kind.FORGER:
        return "arrived"
    if any(_FORGED in mark for mark in marks):
        return "arrived with a mark of its own making"
    if kind is Kind.STRANGER:
        return f"arrived marked: {marks or results}" if marks or results else None
    if len(marks) != 1 or not marks[0].startswith(f"pass ({WOODGROVE}; "):
        return f"arrived with marks {marks}"
    if len(results) != 1 or "x-domain-secure=pass" not in results[0]:
        return f"arrived with results {results}"
    return None


def _told(sent: Sent, what: str) -> str:
    return f"{sent.kind.value} {sent.mark} {what} (told {sent.told[-6:]})"


def identifiers(texts: Iterable[bytes]) -> set[str]:
    """Return which messages these are."""
    return {mark for mark, _ in _identified(texts)}


def _identified(texts: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    return ((found[1].decode(), text) for text in texts if (found := _IDENTIFIER.search(text)))
