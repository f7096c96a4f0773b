"""Which lists and answers a path needs, and which of them are at hand.

Owns: the locations a path's certificates name, gathering what the store has of them, and the test that new
octets must pass before they replace old ones.
Must not know: HTTP, and when a location is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from .ocsp import OcspAnswer, ocsp_request
from .revocation import Revocation, RevocationJudge, Statement, ValidatedPath, ends, is_current
from .revocation_list import RevocationList
from .revocation_pointers import revocation_pointers
from .revocation_status import RevocationStatus
from .revocation_store import Location, RevocationStore


class UselessStatementError(ValueError):
    """What a location said does not help; the argument says why, in one clause for the operator."""


@dataclass(frozen=True, slots=True)
class Need:
    """A location that a certificate of a path names."""

    location: Location
    index: int  #: of the certificate in the path


def needs(path: ValidatedPath) -> Iterator[Need]:
    """Yield the locations that the certificates below the anchor name, nearest to the anchor first."""
    for index in range(len(path) - 2, -1, -1):
        pointers = revocation_pointers(path[index])
        for url in (*pointers.lists, *pointers.deltas):
            yield Need(Location(url), index)
        if pointers.responders:
            request = ocsp_request(path[index], path[index + 1])
            for url in pointers.responders:
                yield Need(Location(url, request), index)


def further_needs(need: Need, statements: Iterable[Statement]) -> Iterator[Need]:
    """Yield the locations of the delta lists that complete lists point to (RFC 5280 section 5.2.6)."""
    for one in statements:
        if isinstance(one, RevocationList) and one.base_number is None:
            for url in one.delta_locations:
                yield Need(Location(url), need.index)


def judge_with(
    judge: RevocationJudge, path: ValidatedPath, statements: Iterable[Statement], at: datetime
) -> Revocation:
    """Return what the statements say of a path."""
    statements = tuple(dict.fromkeys(statements))
    lists = [one for one in statements if isinstance(one, RevocationList)]
    answers = [one for one in statements if isinstance(one, OcspAnswer)]
    return judge.judge(path, lists, answers, at)


def judge_from_store(
    path: ValidatedPath, store: RevocationStore, lists: Iterable[RevocationList], at: datetime
) -> Revocation:
    """Return what is known of a path without asking anybody: by *lists* and by what the store has."""
    statements: list[Statement] = list(lists)
    wanted = list(needs(path))
    for need in wanted:
        if stored := store.get(need.location):
            statements += stored.statements
            wanted += [more for more in further_needs(need, stored.statements) if more not in wanted]
    return judge_with(RevocationJudge(), path, statements, at)


def check_progress(
    judge: RevocationJudge,
    path: ValidatedPath,
    need: Need,
    new: Iterable[Statement],
    former: Iterable[Statement],
    at: datetime,
) -> None:
    """Raise UselessStatementError unless *new* may take the place of *former*.

    Whoever sits between us and a location must not be able to displace what is good by what is forged, out
    of date or merely older; what a list covers is judged when it is used.
    """
    new = tuple(new)
    for one in new:
        if not is_current(one, at):
            if ends(one) < at:
                raise UselessStatementError(f"it is out of date since {ends(one):%Y-%m-%d %H:%M}")
            raise UselessStatementError(f"it is not valid before {one.this_update:%Y-%m-%d %H:%M}")
        if isinstance(one, RevocationList):
            if not judge.is_signed_for(one, path, need.index):
                raise UselessStatementError("the authority of the certificate has not signed it")
            if any(
                isinstance(old, RevocationList) and old.family == one.family and old.age > one.age
                for old in former
            ):
                raise UselessStatementError("it is older than the one we have")
        elif any(old.this_update > one.this_update for old in former):
            raise UselessStatementError("it is older than the one we have")
    answers = [one for one in new if isinstance(one, OcspAnswer)]
    if answers:
        said = judge.certificate(path, need.index, (), answers, at)
        if said.status is RevocationStatus.UNKNOWN:
            raise UselessStatementError("it does not say whether the certificate is revoked")


class KeptRevocation:
    """Answers by files and by what the daemon has kept, and asks nobody: for commands."""

    def __init__(
        self, store: RevocationStore, lists: Iterable[RevocationList], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._lists = tuple(lists)
        self._now = now

    def find(self, path: ValidatedPath) -> Future[Revocation]:
        """Return a future that is done."""
        future: Future[Revocation] = Future()
        future.set_result(judge_from_store(path, self._store, self._lists, self._now()))
        return future
