"""How mail fares in one direction with one partner: the last of each kind, and what follows from it.

Owns: when a partner is in trouble, and the words for it.
Must not know: HTML, where the document comes from.
Invariants: what was let in was not refused, what was returned is not held, and a forgery that was refused
says nothing about the partner; what is not known is not claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .states import Moment, State, counted, moment

_RECENT = timedelta(hours=1)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last thing of its kind."""

    when: Moment
    word: str
    detail: str
    label: str = ""
    is_now: bool = False  #: it decides about the state


@dataclass(frozen=True, slots=True)
class Traffic:
    """One direction of one partner."""

    state: State
    word: str
    success: Outcome | None
    failure: Outcome | None  #: of the partner's own mail
    further: tuple[Outcome, ...] = ()  #: what does not decide: forgeries, mail that was returned


def received(latest: Document, mode: str, now: datetime) -> Traffic:
    """Return how mail of a partner fares."""
    known = _Known(latest.get("outcomes", ()), now)
    success = known.last("last passed", "passed") or _outcome(latest["success"], now, "last passed")
    refused = known.last("last refused", "refused", "deferred", whose="partner")
    let_in = known.last("last let in unproved", "observed", whose="partner")
    forged = known.last("last forgery refused", "refused", "deferred", whose="stranger")
    passed_by = known.last("last forgery let in", "observed", whose="stranger")
    further = tuple(one for one in (forged, passed_by) if one)
    untold = known.last("last failure", "refused", "deferred", "observed") or _outcome(
        latest["failure"], now, "last failure"
    )
    if untold and not known.has_attributed(_time(untold)):
        # Of an earlier release, which did not tell whose it was.
        return _untold(success, untold, mode, further)
    failure = max((one for one in (refused, let_in) if one), key=_time, default=None)
    if failure is None or (success is not None and _time(success) >= _time(failure)):
        if success is None:
            word = "forgeries alone" if further else "nothing yet"
            return Traffic(State.QUIET, word, None, None, further)
        return Traffic(State.GOOD, "passes", success, failure, further)
    if failure is let_in:
        return Traffic(State.ATTENTION, "is let in unproved", success, _now(failure), further)
    word = "is deferred" if known.was_deferred else "is refused"
    return Traffic(State.FAILING, word, success, _now(failure), further)


def sent(latest: Document, waiting: int | None, now: datetime) -> Traffic:
    """Return how mail to a partner fares: held while any of it waits, whatever the reason."""
    known = _Known(latest.get("outcomes", ()), now)
    success = known.last("last delivered", "sent") or _outcome(latest["success"], now, "last delivered")
    failed = known.last("last session failed", "failed") or _outcome(
        latest["failure"], now, "last session failed"
    )
    unverified = known.last("last left unverified", "unverified")
    returned = known.last("last returned", "bounced")
    further = (returned,) if returned else ()
    failure = max((one for one in (failed, unverified) if one), key=_time, default=None)
    is_failing = failure is not None and (success is None or _time(success) < _time(failure))
    shown = _now(failure) if failure and is_failing else failure
    if waiting:
        return Traffic(State.FAILING, f"{counted(waiting, 'message')} held", success, shown, further)
    if not is_failing or failure is None:
        if success is None:
            return Traffic(State.QUIET, "was returned" if returned else "nothing yet", None, None, further)
        return Traffic(State.GOOD, "is delivered", success, failure, further)
    if failure is unverified:
        word = "left unverified"
    elif returned and _time(returned) >= _time(failure):
        word = "was returned"
    else:
        word = "last session failed" if waiting == 0 else "last session failed, held or not is not known"
    return Traffic(State.FAILING, word, success, shown, further)


def _untold(success: Outcome | None, failure: Outcome, mode: str, further: tuple[Outcome, ...]) -> Traffic:
    if success is not None and _time(success) >= _time(failure):
        return Traffic(State.GOOD, "passes", success, failure, further)
    if mode == "observe":
        return Traffic(State.ATTENTION, "is let in unproved", success, _now(failure), further)
    if success is not None and _when(failure) - _when(success) <= _RECENT:
        # The partner passed not long before: this may as well have been somebody else in its name.
        return Traffic(State.ATTENTION, "last was refused", success, _now(failure), further)
    return Traffic(State.FAILING, "is refused", success, _now(failure), further)


class _Known:
    """The last of each category, as a document has them."""

    def __init__(self, outcomes: Sequence[Document], now: datetime) -> None:
        self._outcomes = outcomes
        self._now = now

    def last(self, label: str, *categories: str, whose: str | None = None) -> Outcome | None:
        """Return the last of these categories that was *whose*, with its label."""
        found = [
            one for one in self._outcomes if one["category"] in categories and one["attribution"] == whose
        ]
        latest = max(found, key=lambda one: str(one["time"]), default=None)
        return _outcome(latest, self._now, label)

    def has_attributed(self, time: str) -> bool:
        """Tell whether it is known whose a message was that was not proved, from then on."""
        return any(one["time"] >= time for one in self._outcomes if one["attribution"])

    @property
    def was_deferred(self) -> bool:
        """Tell whether the partner's last refused message was deferred."""
        found = [
            one
            for one in self._outcomes
            if one["category"] in {"refused", "deferred"} and one["attribution"] == "partner"
        ]
        return bool(found) and max(found, key=lambda one: str(one["time"]))["category"] == "deferred"


def _outcome(document: Document | None, now: datetime, label: str) -> Outcome | None:
    if document is None:
        return None
    return Outcome(moment(document["time"], now), document["outcome"], document["detail"], label)


def _now(one: Outcome) -> Outcome:
    return Outcome(one.when, one.word, one.detail, one.label, is_now=True)


def _time(one: Outcome) -> str:
    return one.when.iso


def _when(one: Outcome) -> datetime:
    return datetime.fromisoformat(one.when.iso)
