"""Bring one node to the newest revision it may apply.

Owns: what is asked of the store, and what is kept of it on disk.
Must not know: threads, and who asks when.
Invariant: what is written to disk was checked by its digests, by the lineage, and by the parser together with
this node's own file; everything else leaves the last good revision in force and is named.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.fleet.store.problems import StoreProblem
from domain_secure.fleet.store.repository import Head, Repository
from domain_secure.policy.configuration.fleet_cache import Contact, FleetCache, shared_policy
from domain_secure.policy.configuration.reading import is_fleet_node, parse, parse_toml, read_configuration
from domain_secure.policy.revisions.lineage import Demands, Step, describe, step
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .ahead import NodesAhead, nodes_ahead

_NOTED_SECONDS = 60.0  #: how exactly the disk knows when the store last answered


@dataclass(frozen=True, slots=True)
class Refusal:
    """A revision that was not applied: it is looked at again when it or this node's own file changes."""

    digest: str
    local: bytes
    problem: str


class HasLeft(Exception):  # noqa: N818 - it is no error
    """This node's own file says that it stands alone by now."""


class Follower:
    """One node's way from what it holds to what the store holds."""

    def __init__(
        self,
        path: Path,
        cache: FleetCache,
        repository: Repository,
        demands: Callable[[], Demands],
        log: Callable[[Event], None],
    ) -> None:
        self._path = path
        self._cache = cache
        self._repository = repository
        self._demands = demands
        self._log = log
        self._refusal: Refusal | None = None
        self._noted: Contact | None = None

    @property
    def problem(self) -> str | None:
        """Return why the newest revision is not applied, or None."""
        return self._refusal.problem if self._refusal else None

    def follow(self, *, is_damaged: bool = False) -> tuple[Head, bool]:
        """Apply the newest revision if it may be; returns it, and whether something new is on disk now.

        *is_damaged* says that the texts on disk cannot be used, so that the same revision is fetched again.
        Raises HasLeft where this node does not belong to the fleet any more, StoreProblem where the store
        fails, and OSError where the disk does.
        """
        fault = self._fault_of_own_file()
        applied = self._held()
        head, history = self._repository.head_and_history(applied.revision.number if applied else 2**52)
        if fault is not None:
            self._refuse("", b"", fault)
            self._note(head)
            return head, False
        return head, self._follow(head, history, applied, is_damaged=is_damaged)

    def _fault_of_own_file(self) -> str | None:
        """Return what is wrong with this node's own file, which decides what may be applied."""
        try:
            content = read_configuration(self._path)
            if not is_fleet_node(parse_toml(content.decode(errors="replace"), self._path)):
                raise HasLeft
            self._demands()
        except Problem as problem:
            return str(problem)
        return None

    def _follow(
        self, head: Head, history: list[Envelope], applied: Envelope | None, *, is_damaged: bool
    ) -> bool:
        if head.fault:
            self._refuse("", b"", str(head.fault))
            self._note(head)
            return False
        if head.envelope is None:
            held = (
                f"this node holds revision {applied.revision.number}" if applied else "nor is there one here"
            )
            self._refuse("", b"", f"the store holds no policy: {held}")
            self._note(head)
            return False
        local = read_configuration(self._path)
        digest = head.envelope.revision.digest
        if self._refusal and (self._refusal.digest, self._refusal.local) == (digest, local):
            self._note(head)
            return False
        known, demands = self._cache.known(), self._demands()
        kind = step(head.envelope, applied, history, demands, known)
        if kind is Step.FOLLOWS and applied is None and known is None:
            others = nodes_ahead(self._repository, demands)
            if any(one.is_proven for one in others.nodes):
                self._refuse(digest, b"", _behind(head.envelope, others))
                self._note(head)
                return False
            self._log(_without_past(head.envelope, others))
        if kind is Step.FOLLOWS or (kind is Step.SAME and is_damaged):
            return self._apply(head, head.envelope, applied, local)
        if kind is Step.SAME:
            self._refusal = None
        else:
            self._refuse(digest, local, describe(kind, head.envelope, applied, known))
        self._note(head)
        return False

    def _apply(self, head: Head, envelope: Envelope, applied: Envelope | None, local: bytes) -> bool:
        digest = envelope.revision.digest
        try:
            texts = self._repository.texts(envelope, self._texts_held(applied))
            parse(local, self._path, shared=shared_policy(envelope, texts, self._cache.watched))
        except StoreProblem as problem:
            self._log_once(str(problem))
            raise
        except Problem as problem:
            self._refuse(digest, local, str(problem))
            self._note(head)
            return False
        self._cache.write(envelope, texts)
        self._refusal = None
        self._log(events.revision_fetched(envelope.revision))
        self._note(head)
        return True

    def _held(self) -> Envelope | None:
        try:
            return self._cache.envelope()
        except Problem as problem:
            # It is fetched anew; without it nobody can say that the store went backwards.
            self._log_once(str(problem))
            return None

    def _texts_held(self, applied: Envelope | None) -> dict[str, bytes]:
        try:
            return self._cache.read()[1].texts if applied else {}
        except Problem:
            return {}

    def _refuse(self, digest: str, local: bytes, problem: str) -> None:
        if self._refusal is None or self._refusal.problem != problem:
            self._log(events.revision_refused(problem))
        self._refusal = Refusal(digest, local, problem)

    def _log_once(self, problem: str) -> None:
        if self._refusal is None or self._refusal.problem != problem:
            self._log(events.revision_refused(problem))
            self._refusal = Refusal("", b"", problem)

    def _note(self, head: Head) -> None:
        """Keep on disk when the store last answered, and what was wrong with it."""
        number = head.envelope.revision.number if head.envelope else None
        contact = Contact(datetime.now(UTC), head.cluster, number, self.problem)
        if self._noted and replace(contact, at=self._noted.at) == self._noted:
            age = (contact.at - self._noted.at).total_seconds()
            if age < _NOTED_SECONDS:
                return
        self._cache.note_contact(contact)
        self._noted = contact


def _behind(head: Envelope, others: NodesAhead) -> str:
    proven = "; ".join(str(one) for one in others.nodes if one.is_proven)
    return (
        f"the store went backwards: it holds revision {head.revision.number}, and {proven}, which is signed"
    )


def _without_past(head: Envelope, others: NodesAhead) -> Event:
    ahead = "; ".join(map(str, others.nodes))
    told = ahead or f"none of {others.live} is ahead"
    return events.without_past(head.revision, signer=str(head.key or "nobody"), others=told)
