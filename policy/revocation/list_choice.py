"""Which of many revocation lists count, and which delta list amends which complete one.

Must not know: certificates, and what is on a list.
Sources: RFC 5280 sections 5.2.3 and 5.2.4, and 6.3.3 (c) for what a delta list must share with its base.
"""

from collections.abc import Iterable
from typing import NamedTuple

from .revocation import RevocationList


class Amended(NamedTuple):
    """A complete list, with the delta list that amends it or without."""

    complete: RevocationList
    delta: RevocationList | None = None

    @property
    def lists(self) -> tuple[RevocationList, ...]:
        """Return the one or two lists."""
        return (self.complete,) if self.delta is None else (self.complete, self.delta)


def newest(lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """Return the newest list of each family: a list that lifts a hold replaces the one that imposed it."""
    found: dict[object, RevocationList] = {}
    for one in lists:
        former = found.get(one.family)
        if former is None or one.age > former.age:
            found[one.family] = one
    return tuple(found.values())


def amended(newest_lists: Iterable[RevocationList]) -> tuple[Amended, ...]:
    """Return each complete list with its delta list, whoever points to that."""
    lists = tuple(newest_lists)
    deltas = [one for one in lists if one.base_number is not None]
    return tuple(
        Amended(one, next((delta for delta in deltas if _builds_upon(delta, one)), None))
        for one in lists
        if one.base_number is None
    )


def is_outrun(complete: RevocationList, delta: RevocationList) -> bool:
    """Tell whether a delta list builds upon a newer complete list than this one."""
    return (
        complete.base_number is None
        and delta.base_number is not None
        and _is_like(delta, complete)
        and not _reaches(complete, delta.base_number)
    )


def without_base(newest_lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """Return the delta lists ahead of every complete list: between the two something may be missing."""
    lists = tuple(newest_lists)
    complete = [one for one in lists if one.base_number is None]
    return tuple(
        delta
        for delta in lists
        if delta.base_number is not None
        and not any(_is_like(delta, one) and _reaches(one, delta.base_number) for one in complete)
    )


def _builds_upon(delta: RevocationList, complete: RevocationList) -> bool:
    return (
        _is_like(delta, complete)
        and delta.base_number is not None
        and _reaches(complete, delta.base_number)
        and complete.age[0] <= delta.age[0]
    )


def _reaches(complete: RevocationList, base_number: int) -> bool:
    """Tell whether a complete list is that of a number, or newer; one without a number is none of them."""
    return complete.number is not None and complete.number >= base_number


def _is_like(delta: RevocationList, complete: RevocationList) -> bool:
    """Tell whether two lists are of one authority, key and scope."""
    return delta.family[:2] == complete.family[:2] and delta.signing_key == complete.signing_key
