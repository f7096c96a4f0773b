"""Revocation lists and OCSP answers that one node of the fleet got serve those that cannot get them.

Owns: what is written for others and what is taken from them.
Invariant: what is taken is kept apart, is used only where its location does not answer, and is judged like an
answer of the location: signed by the authority, current, and not older than what is known.
"""

from datetime import datetime, timedelta

from domain_secure.fleet.store.client import get, get_newer, put
from domain_secure.fleet.store.problems import Kind, StoreProblem
from domain_secure.fleet.store.repository import Repository
from domain_secure.policy.revocation.revocation_store import RevocationStore

_AT_ONCE = 20  #: taken in one round
_WORTH_A_WRITE = timedelta(hours=1)  #: how much newer ours must be, as every node fetches for itself


class SharedRevocation:
    """The statements of one node and those that the fleet shares; for one thread."""

    def __init__(self, repository: Repository, store: RevocationStore) -> None:
        self._repository = repository
        self._store = store
        self._seen = 0  #: etcd's revision of the last key that was looked at
        self._there: dict[str, datetime] = {}  #: when what is in the store was fetched, by name
        self._refused = False
        self._given: int | None = None  #: when the folder changed that has been given

    def exchange(self) -> None:
        """Give and take; raises Problem and OSError."""
        self._take()
        if not self._refused:
            self._give()

    def _take(self) -> None:
        prefix, etcd = self._key(""), self._repository.etcd
        answer = etcd.transaction(get_newer(prefix, self._seen, _AT_ONCE))
        if answer.revision < self._seen:  # the store was restored from an older state
            self._seen, self._there, self._given = 0, {}, None
        for item in answer.ranges[0]:
            self._seen = item.modified
            name = item.key.removeprefix(prefix)
            (values,) = etcd.transaction(get(item.key)).ranges
            if values and (fetched := self._store.take_from_another(name, values[0].value)):
                self._there[name] = fetched

    def _give(self) -> None:
        try:
            changed = self._store.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._given:
            return
        for name, fetched, content in self._store.own_files():
            if name in self._there and fetched < self._there[name] + _WORTH_A_WRITE:
                continue
            try:
                self._repository.etcd.transaction(put(self._key(name), content))
            except StoreProblem as problem:
                if problem.kind is not Kind.DENIED:
                    raise
                self._refused = True  # a node that may not write here still takes
                return
            self._there[name] = fetched
        self._given = changed

    def _key(self, name: str) -> str:
        return f"{self._repository.prefix}revocation/{name}"
