"""Judgements by what the daemon has kept, for commands: nobody is asked."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime

from .judge import RevocationJudge
from .needs import further_needs, needs
from .revocation import Judgement, RevocationList, Statement, ValidatedPath
from .revocation_store import RevocationStore


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
        future: Future[Judgement] = Future()
        future.set_result(judge_from_store(path, self._store, self._lists, self._now()))
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
