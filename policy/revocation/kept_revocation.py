"""Judgements by what the daemon has kept, for commands: nobody is asked.

Where nobody knows, these tell which locations were of no use and what to do: more than a partner should read.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from .judge import RevocationJudge
from .location_report import read_failures
from .needs import further_needs, needs, passed_over
from .revocation import Judgement, RevocationList, RevocationStatus, Statement, ValidatedPath
from .revocation_store import RevocationStore

_TOLD = 3  #: locations


class KeptRevocation:
    """A RevocationSource that answers at once, by *lists* of files and by what the *store* has."""

    def __init__(
        self, store: RevocationStore, lists: Iterable[RevocationList], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._lists = tuple(lists)
        self._now = now

    def find(self, path: ValidatedPath) -> Future[Judgement]:
        """Return a future that is done."""
        judgement = judge_from_store(path, self._store, self._lists, self._now())
        if judgement.status is RevocationStatus.UNKNOWN:
            named = {need.location.url for need in needs(path)}
            failures = [one for one in read_failures(self._store.folder.parent) if one.url in named]
            told = [f"{one.url}: {one.failure}" for one in (*failures, *passed_over(path))]
            fixes = [one.fix for one in (*failures, *passed_over(path)) if one.fix]
            detail = "; ".join(dict.fromkeys((judgement.detail, *told[:_TOLD], *fixes[:_TOLD])))
            judgement = replace(judgement, detail=detail)
        future: Future[Judgement] = Future()
        future.set_result(judgement)
        return future


def judge_from_store(
    path: ValidatedPath, store: RevocationStore, lists: Iterable[RevocationList], at: datetime
) -> Judgement:
    """Return the judgement on a path by *lists* and by what the store has for its needs."""
    statements: list[Statement] = list(lists)
    wanted = list(needs(path))
    for need in wanted:
        if stored := store.get(need.location):
            statements += stored.statements
            wanted += [more for more in further_needs(need, stored.statements) if more not in wanted]
    return RevocationJudge().judge_by(path, statements, at)
