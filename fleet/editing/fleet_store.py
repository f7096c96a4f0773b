"""Edit the fleet's policy: the newest revision, changed and made the next one.

Owns: the loop of compare and swap, and what is checked before a revision is written.
Must not know: which edits there are; ``policy.editing`` makes them the same way as in a file.
Invariants: of two who write at once neither loses anything; what is written was read by the parser of every
node it is for; and no report of a node stops a change that a signature or most nodes do not speak against.
"""

import random
import secrets
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from domain_secure.fleet.node.ahead import nodes_ahead
from domain_secure.fleet.node.reports import read_reports
from domain_secure.fleet.store.client import Etcd
from domain_secure.fleet.store.repository import Head, Repository
from domain_secure.fleet.store.signing import read_key
from domain_secure.policy.configuration.configuration import Configuration, Store
from domain_secure.policy.configuration.fleet_cache import FleetCache, shared_policy
from domain_secure.policy.configuration.reading import ReadFile, parse, read_configuration
from domain_secure.policy.configuration.shared_policy import LISTS, POLICY, SharedPolicy, list_file, overrides
from domain_secure.policy.configuration.shared_settings import used_keys
from domain_secure.policy.editing.draft import Draft, Meant, Written
from domain_secure.policy.editing.editing import ListName
from domain_secure.policy.editing.person import who
from domain_secure.policy.revisions.lineage import Demands, Step, advice, describe, step
from domain_secure.policy.revisions.revision import Envelope, PublicKey, Revision, Text
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem

T = TypeVar("T")

_WHERE = Path("the fleet's policy")
_ATTEMPTS = 20
_LONGEST_WORD = 500  #: of who and what


class Overtaken(Exception):  # noqa: N818 - it is no error: the edit is made again
    """Another writer made the next revision first."""


@dataclass(frozen=True, slots=True)
class State:
    """A revision of the store with its texts."""

    head: Head
    envelope: Envelope
    shared: SharedPolicy


class FleetStore:
    """The policy of the fleet that the node with the configuration file *path* belongs to."""

    def __init__(
        self, path: Path, local: bytes | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """Make one; *local* is the file's content where it is to be another one than it is.

        *tell* hears what nodes report that an administrator ought to know, and that stops nobody.
        """
        self._tell = tell
        self.path = path
        self.local = read_configuration(path) if local is None else local
        configuration = parse(self.local, path, shared=SharedPolicy(b""))
        self.settings: Store = configuration.store
        self.cache = FleetCache(configuration.state)
        self.repository = Repository(Etcd(self.settings), self.settings.prefix, remembers=True)

    def edit(self, change: Callable[[Draft], T], what: str, *, create: bool = True) -> T:
        """Return what *change* makes of a draft of the newest revision, which becomes the next one."""
        del create
        for attempt in range(_ATTEMPTS):
            state = self.state()
            self.check_line(state.envelope)
            place = _InStore(self, state, what)
            former = self.parse(state.shared)
            draft = Draft(_WHERE, state.shared.text.decode(), former, place)
            try:
                return change(draft)
            except Overtaken:
                # Up to a quarter of a second more each time, so that many writers come through one by one.
                time.sleep(random.uniform(0, 0.05 * min(attempt + 1, 5)))  # noqa: S311 - not a secret
        raise Problem(
            f"others changed the policy {_ATTEMPTS} times in between",
            str(_WHERE),
            "try again; nothing was changed",
        )

    def shown(self, name: str) -> DomainList | None:
        """Return a list as this node enforces and shows it; None where it has nothing yet."""
        if self.cache.envelope() is None:
            return None
        return ListName(name).of(self.parse(self.cache.read()[1]))

    def list_at(self, name: str, revision: int) -> DomainList:
        """Return a list as it was in a revision of the fleet; raises Problem."""
        found = self.repository.history(revision, revision)
        if not found:
            raise Problem(
                "the store does not keep this revision", str(revision), "see `domain-secure fleet log`"
            )
        return ListName(name).of(self.parse(self.policy_of(found[0])))

    def state(self) -> State:
        """Return the newest revision; raises Problem, also where there is none yet."""
        head = self.repository.head()
        if head.fault:
            raise head.fault
        if head.envelope is None:
            raise Problem(
                "the store holds no policy yet",
                f"store.prefix = {self.settings.prefix}",
                "make the first revision of this node's own file with `domain-secure fleet init`",
            )
        return State(head, head.envelope, self.policy_of(head.envelope))

    def newest_good_state(self) -> State:
        """Return the newest revision that can be used, to be followed by a repair; raises Problem."""
        head = self.repository.head()
        for envelope in self.repository.history() if head.fault else ():
            try:
                return State(head, envelope, self.policy_of(envelope))
            except Problem:
                continue
        return self.state()

    def policy_of(self, envelope: Envelope) -> SharedPolicy:
        """Return the texts of a revision, from this node's disk as far as they are there."""
        held: Mapping[str, bytes] = {}
        try:
            if self.cache.envelope() is not None:
                own, shared = self.cache.read()
                if own.revision.digest == envelope.revision.digest:
                    return shared
                held = shared.texts
        except Problem:
            pass  # what is damaged here is fetched anew
        return shared_policy(envelope, self.repository.texts(envelope, held), _WHERE)

    def parse(self, shared: SharedPolicy) -> Configuration:
        """Return the configuration of this node under a shared policy; raises Problem."""
        return parse(self.local, self.path, shared=shared)

    def commit(
        self,
        texts: Mapping[str, bytes],
        state: State | None,
        what: str,
        *,
        is_repair: bool = False,
        **fields: object,
    ) -> Revision:
        """Write the next revision, with *texts*, which were parsed; raises Problem, and Overtaken.

        *state* is what it follows on, None for the first one; a repair relies on nothing that ought to be in
        the store; *fields* are what is special about the revision.
        """
        check_rules_of_nodes(self.path, texts)
        self._tell_unknown(texts)
        parent = state.envelope.revision if state else None
        head = state.head if state else self.repository.head()
        if state is None or is_repair:
            named = self.repository.put_texts(texts, None, {})
        else:
            named = self.repository.put_texts(texts, state.envelope, state.shared.texts)
        envelope = self._signed(self._next(parent, named, what, **fields))
        if not self.repository.commit(envelope, head):
            raise Overtaken
        self.cache.write(envelope, texts)
        return envelope.revision

    def demands(self) -> Demands:
        """Return what this node asks of a revision."""
        return Demands(self.settings.require_signature, frozenset(self.settings.trusted_keys))

    def _next(
        self, parent: Revision | None, texts: Mapping[str, Text], what: str, **fields: object
    ) -> Revision:
        values: dict[str, object] = {
            "number": parent.number + 1 if parent else 1,
            "fleet": parent.fleet if parent else secrets.token_hex(8),
            "parent": parent.digest if parent else None,
            "settles": False,
            "at": datetime.now(UTC).replace(microsecond=0),
            "who": who()[:_LONGEST_WORD],
            "node": self.settings.node,
            "what": what[:_LONGEST_WORD],
            "texts": dict(texts),
        }
        return Revision(**values | fields)  # type: ignore[arg-type]

    def _signed(self, revision: Revision) -> Envelope:
        file, required = self.settings.signing_key_file, self.settings.require_signature
        if file is None:
            if required:
                raise Problem(
                    "nodes apply only signed revisions, and there is no key to sign with here",
                    f"{self.path}: store.signing_key_file",
                    "do this where an administrator's key is; nothing was changed",
                )
            return Envelope(revision)
        key = read_key(file)
        if required and PublicKey.of(key) not in self.settings.trusted_keys:
            raise Problem(
                f"the key to sign with is not trusted here ({PublicKey.of(key)})",
                f"{self.path}: store.signing_key_file",
                "trust it on every node with `domain-secure fleet trust`; nothing was changed",
            )
        return Envelope(revision).signed(key)

    def check_line(self, head: Envelope) -> None:
        """Raise a Problem where the store is not what this node may follow: then nobody writes to it."""
        applied = self.cache.envelope()
        since = applied.revision.number if applied else 0
        known = self.cache.known()
        history = self.repository.history(since) if applied else ()
        kind = step(head, applied, history, self.demands(), known)
        if kind not in {Step.SAME, Step.FOLLOWS}:
            raise Problem(
                describe(kind, head, applied, known), f"store.prefix = {self.settings.prefix}", advice(kind)
            )
        self.check_nodes()

    def check_nodes(self) -> None:
        """Raise a Problem where nodes would throw away what is written now: they are ahead of the store.

        What a single node says without a signature is told only.
        """
        ahead = nodes_ahead(self.repository, self.demands())
        if not ahead.nodes:
            return
        told = "; ".join(map(str, ahead.nodes))
        if ahead.is_believed:
            raise Problem(
                f"the store was restored from an older copy, or rewritten: {told}, which it does not hold",
                f"store.prefix = {self.settings.prefix}",
                f"{advice(Step.BACKWARDS)}; nothing was changed",
            )
        self._tell(f"{told}, which the store does not hold: it will not follow")

    def _tell_unknown(self, texts: Mapping[str, bytes]) -> None:
        """Tell which live node runs a version that does not know a setting: it stays with what it has.

        Not more than that: whoever has a node's password could stop every change otherwise.
        """
        used = used_keys(tomllib.loads(texts[POLICY].decode()))
        for node, report in read_reports(self.repository).items():
            if report.live is not None and (unknown := used - frozenset(report.live.settings)):
                self._tell(
                    f"{node}, version {report.live.version}, reports not to know {', '.join(sorted(unknown))}"
                    ", and stays behind: bring it up to date, or end it with `domain-secure fleet leave`"
                )


class _InStore:
    """Where a draft of the shared policy comes from and goes to."""

    def __init__(self, fleet: FleetStore, state: State, what: str) -> None:
        self._fleet = fleet
        self._state = state
        self._what = what

    def parse(self, content: bytes, read: ReadFile) -> Configuration:
        """Return the configuration of this node under a new shared document."""
        lists = {name: read(Path(list_file(name))) for name in self._state.shared.lists}
        return self._fleet.parse(SharedPolicy(content, lists, None, _WHERE))

    def read(self, file: Path) -> bytes:
        """Return the content of a long list."""
        return self._state.shared.lists[file.stem]

    def confirm(self, state: Path, meant: Meant) -> None:
        """Do nothing: a revision is made by a command, and that confirms it."""

    def save(self, texts: Mapping[Path, bytes]) -> tuple[Written, ...]:
        """Make the next revision, unless it would be the same."""
        lists = {file.stem: content for file, content in texts.items() if file.stem in LISTS}
        new = self._state.shared.texts | {POLICY: texts[_WHERE]} | lists
        if new == self._state.shared.texts:
            return ()
        return (self._fleet.commit(new, self._state, self._what),)


def check_rules_of_nodes(path: Path, texts: Mapping[str, bytes]) -> None:
    """Raise the Problem of the first node with rules of its own that could not be parsed.

    What holds for all was read by whoever asks; the long lists are the same for each.
    """
    shared = SharedPolicy(texts[POLICY], {name: b"" for name in LISTS if name in texts}, None, _WHERE)
    for node in overrides(tomllib.loads(texts[POLICY].decode())):
        anybody = f'[store]\ntype = "etcd"\nendpoints = ["http://localhost:1"]\nnode = "{node}"\n'
        try:
            parse(anybody.encode(), path, shared=shared)
        except Problem as problem:
            raise Problem(f"on node {node}: {problem.what}", problem.where, problem.fix) from problem
