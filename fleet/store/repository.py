"""The revisions of a fleet's policy in the store.

Owns: the keys below the prefix, what stands in them, and the one transaction that makes a revision the head.
Must not know: whether a revision is to be applied (``lineage``), and how it was edited.
Invariants: the head names a revision whose chunks were written before it; whoever reads checks every digest,
so that what somebody else wrote under the prefix is a StoreProblem and never a policy.

| key | value |
| --- | --- |
| ``head`` | the newest revision, signed or not |
| ``revisions/NUMBER`` | the same, kept as history |
| ``chunks/SHA256`` | a part of a text, or an index that names parts |
| ``book/SHA256`` | a partner's certificate that some node knows (``shared_book``) |
| ``revocation/NAME`` | a revocation list or an OCSP answer that some node got (``shared_revocation``) |
| ``nodes/NODE/report.MACHINE`` | what a node enforces, under a lease, by each machine of that name |
| ``nodes/NODE/report`` | the same by one of them, for earlier releases |
| ``nodes/NODE/member`` | that the node belongs to the fleet |
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TypeVar

from domain_secure.policy.configuration.setting_kinds import is_node_name
from domain_secure.policy.revisions import chunks
from domain_secure.policy.revisions.revision import Envelope, Text

from .answers import Answer, KeyValue
from .client import Etcd, delete, end_of, get, modified_at, put
from .problems import Kind, StoreProblem, unusable

T = TypeVar("T")

HISTORY = 1000  #: revisions that are kept
_TIDY_EVERY = 100  #: revisions
_LARGEST_TEXT = 256 * 1024 * 1024
_BATCH = 8  #: chunks read at once: the gateway takes answers up to 4 MB
_BATCH_OCTETS = 768 * 1024  #: written at once; etcd takes requests up to 1.5 MiB, in base64
_KEYS_AT_ONCE = 1000
_NODES_AT_ONCE = 50
MEMBER, REPORT = "member", "report"  #: what a node says of itself
MACHINE = "report."  #: followed by which of the machines says it that call themselves so
_MOST_MACHINES = 8  #: of one name
_DELETED_AT_ONCE = 60  #: etcd takes 128 conditions and operations


@dataclass(frozen=True, slots=True)
class Head:
    """What the head key says, and of which cluster."""

    envelope: Envelope | None  #: None where there is none yet, or none that can be read
    modified: int  #: etcd's revision of the head key; 0 where there is none
    cluster: str
    fault: StoreProblem | None = None  #: what stands there instead of a revision


class Repository:
    """The keys below one prefix.

    What nodes said is fetched once where it *remembers* it, for who asks again and again and ends soon.
    """

    def __init__(self, etcd: Etcd, prefix: str, *, remembers: bool = False) -> None:
        self.etcd = etcd
        self.prefix = prefix
        self._said: dict[str, KeyValue] | None = {} if remembers else None  #: by key, of nodes

    @property
    def head_key(self) -> str:
        """Return the key that every node watches."""
        return f"{self.prefix}head"

    def head(self) -> Head:
        """Return the newest revision; raises StoreProblem."""
        return self.head_of(self.etcd.transaction(get(self.head_key)))

    def head_of(self, answer: Answer) -> Head:
        """Return what an answer says whose first range is the head key."""
        found = answer.ranges[0]
        if not found:
            return Head(None, 0, answer.cluster)
        try:
            return Head(_envelope(found[0]), found[0].modified, answer.cluster)
        except StoreProblem as fault:
            return Head(None, found[0].modified, answer.cluster, fault)

    def texts(self, envelope: Envelope, held: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the texts of a revision; chunks of the *held* texts are not fetched again.

        Raises StoreProblem where one is missing, too large, or not what the revision names.
        """
        same = {hashlib.sha256(text).hexdigest(): text for text in held.values()}
        wanted = envelope.revision.texts
        if all(text.sha256 in same for text in wanted.values()):
            return {name: same[text.sha256] for name, text in wanted.items()}
        known = {chunks.digest(chunk): chunk for text in held.values() for chunk in chunks.split(text)}
        return {
            name: same[text.sha256] if text.sha256 in same else self._text(text, known)
            for name, text in wanted.items()
        }

    def put_texts(
        self, texts: Mapping[str, bytes], parent: Envelope | None, held: Mapping[str, bytes]
    ) -> dict[str, Text]:
        """Write what the texts consist of, and return how a revision names them.

        *held* are the texts of the *parent*: their chunks are there, as long as the parent is the head when
        the new revision becomes it.
        """
        named: dict[str, Text] = {}
        wanted: dict[str, bytes] = {}
        for name, text in texts.items():
            if parent and name in parent.revision.texts and held.get(name) == text:
                named[name] = parent.revision.texts[name]
                continue
            there = {chunks.digest(chunk) for chunk in chunks.split(held.get(name, b""))}
            parts = [(chunks.digest(chunk), chunk) for chunk in chunks.split(text)]
            index = chunks.write_index([key for key, _ in parts])
            wanted |= {key: part for key, part in parts if key not in there}
            wanted[chunks.digest(index)] = index
            named[name] = Text(chunks.digest(index), hashlib.sha256(text).hexdigest(), len(text))
        for batch in _batches(wanted.items()):
            self.etcd.transaction(*(put(self._chunk_key(name), part) for name, part in batch))
        return named

    def commit(self, envelope: Envelope, head: Head) -> bool:
        """Make a revision the head if *head* still is; returns whether it is now.  Raises StoreProblem."""
        octets, number = envelope.octets(), envelope.revision.number
        answer = self.etcd.transaction(
            put(self.head_key, octets),
            put(self._revision_key(number), octets),
            compare=(modified_at(self.head_key, head.modified),),
        )
        if not answer.succeeded:
            # A server may have died after it did what was asked and before it said so.
            present = self.head().envelope
            if present is None or present.revision.digest != envelope.revision.digest:
                return False
        if number % _TIDY_EVERY == 0:
            self._tidy(number, answer.revision)
        return True

    def head_and_history(self, first: int) -> tuple[Head, list[Envelope]]:
        """Return the newest revision and those that are kept from number *first* on; raises StoreProblem."""
        end = end_of(f"{self.prefix}revisions/")
        answer = self.etcd.transaction(get(self.head_key), get(self._revision_key(first), end))
        return self.head_of(answer), _readable(answer.ranges[1])

    def history(self, first: int = 0, last: int | None = None) -> list[Envelope]:
        """Return the revisions that are kept, the newest first; what cannot be read is left out."""
        end = end_of(f"{self.prefix}revisions/") if last is None else self._revision_key(last + 1)
        (found,) = self.etcd.transaction(get(self._revision_key(first), end)).ranges
        return _readable(found)

    def node_key(self, node: str, what: str) -> str:
        """Return the key of what one node says of itself."""
        return f"{self.prefix}nodes/{node}/{what}"

    def nodes(self) -> tuple[KeyValue, ...]:
        """Return all that nodes say of themselves; raises StoreProblem."""
        there = (item for item in self._keys(f"{self.prefix}nodes/") if self._is_of_node(item.key))
        wanted = {
            item.key: item.modified
            for _, of_node in groupby(there, lambda item: self.node_of(item.key)[0])
            for item in islice(of_node, _MOST_MACHINES + 2)
        }
        said = {key: item for key, item in (self._said or {}).items() if wanted.get(key) == item.modified}
        said |= {item.key: item for item in self._fetched([key for key in wanted if key not in said])}
        if self._said is not None:
            self._said = said
        return tuple(said[key] for key in wanted if key in said)

    def _fetched(self, wanted: Sequence[str]) -> list[KeyValue]:
        """Return what stands under these keys; what an answer cannot hold is left out."""
        found: list[KeyValue] = []
        for batch in _batched(wanted, _NODES_AT_ONCE):
            try:
                found += self._values(*batch)
            except StoreProblem as problem:
                # One may have written more than an answer holds; the others are still to be heard.
                if problem.kind is not Kind.OTHER:
                    raise
                for key in batch:
                    with suppress(StoreProblem):
                        found += self._values(key)
        return found

    def _is_of_node(self, key: str) -> bool:
        node, what = self.node_of(key)
        return (what in {MEMBER, REPORT} or what.startswith(MACHINE)) and is_node_name(node)

    def _values(self, *keys: str) -> list[KeyValue]:
        answer = self.etcd.transaction(*(get(key) for key in keys))
        return [item for values in answer.ranges for item in values]

    def _keys(self, prefix: str) -> Iterator[KeyValue]:
        """Yield every key that begins with *prefix*, without its value, by as many as an answer holds."""
        start, end = prefix, end_of(prefix)
        while True:
            (found,) = self.etcd.transaction(get(start, end, keys_only=True, limit=_KEYS_AT_ONCE)).ranges
            yield from found
            if len(found) < _KEYS_AT_ONCE:
                return
            start = found[-1].key + "\0"

    def node_of(self, key: str) -> tuple[str, str]:
        """Return node and kind of what stands under a key."""
        node, _, what = key.removeprefix(f"{self.prefix}nodes/").rpartition("/")
        return node, what

    def forget(self, node: str) -> None:
        """Remove all that a node said of itself; raises StoreProblem."""
        machines = self.node_key(node, MACHINE)
        self.etcd.transaction(
            *(delete(self.node_key(node, what)) for what in (MEMBER, REPORT)),
            delete(machines, end_of(machines)),
        )

    def machines(self, node: str) -> frozenset[str]:
        """Return which machines report as *node* now, as far as they tell; raises StoreProblem."""
        prefix = self.node_key(node, MACHINE)
        operation = get(prefix, end_of(prefix), keys_only=True, limit=_MOST_MACHINES)
        (found,) = self.etcd.transaction(operation).ranges
        return frozenset(item.key.removeprefix(prefix) for item in found)

    def _text(self, text: Text, known: Mapping[str, bytes]) -> bytes:
        if text.octets > _LARGEST_TEXT:
            raise unusable(f"a text of {text.octets} octets is too large", self._chunk_key(text.index))
        index = self._chunks([text.index], {})[text.index]
        try:
            names = chunks.read_index(index)
        except ValueError as error:
            raise unusable(str(error), self._chunk_key(text.index)) from error
        found = self._chunks(names, known)
        if sum(len(found[name]) for name in names) != text.octets:  # before it takes so much memory
            raise unusable("the parts are not as long as the revision says", self._chunk_key(text.index))
        whole = b"".join(found[name] for name in names)
        if hashlib.sha256(whole).hexdigest() != text.sha256:
            raise unusable("the parts are not the text the revision names", self._chunk_key(text.index))
        return whole

    def _chunks(self, names: Iterable[str], known: Mapping[str, bytes]) -> dict[str, bytes]:
        found = {name: known[name] for name in names if name in known}
        missing = [name for name in dict.fromkeys(names) if name not in found]
        for batch in _batched(missing, _BATCH):
            answer = self.etcd.transaction(*(get(self._chunk_key(name)) for name in batch))
            for name, values in zip(batch, answer.ranges, strict=True):
                if not values:
                    raise unusable("a part of the policy is missing", self._chunk_key(name))
                if chunks.digest(values[0].value) != name:
                    raise unusable("a part of the policy is not what its name says", values[0].key)
                found[name] = values[0].value
        return found

    def _tidy(self, number: int, revision: int) -> None:
        """Drop revisions past the history, and chunks that none of the others names.

        Chunks written since *revision* of etcd may belong to a writer who has not finished; one who began
        earlier fails to commit, and writes them again.
        """
        if number > HISTORY:
            oldest = self._revision_key(number - HISTORY)
            self.etcd.transaction(delete(self._revision_key(0), oldest))
        live: set[str] = set()
        for envelope in self.history():
            for text in envelope.revision.texts.values():
                if text.index not in live:
                    live |= {text.index, *self._named(text.index)}
        there = self._keys(f"{self.prefix}chunks/")
        old = [item for item in there if item.modified < revision and item.key.rpartition("/")[2] not in live]
        for batch in _batched(old, _DELETED_AT_ONCE):
            conditions = tuple(modified_at(item.key, item.modified) for item in batch)
            self.etcd.transaction(*(delete(item.key) for item in batch), compare=conditions)

    def _named(self, index: str) -> list[str]:
        try:
            return chunks.read_index(self._chunks([index], {})[index])
        except (StoreProblem, ValueError):
            return []

    def _chunk_key(self, name: str) -> str:
        return f"{self.prefix}chunks/{name}"

    def _revision_key(self, number: int) -> str:
        return f"{self.prefix}revisions/{number:016d}"


def _readable(found: Iterable[KeyValue]) -> list[Envelope]:
    """Return the revisions among these, the newest first."""
    envelopes = []
    for item in reversed(tuple(found)):
        with suppress(StoreProblem):
            envelopes.append(_envelope(item))
    return envelopes


def _envelope(item: KeyValue) -> Envelope:
    try:
        return Envelope.parse(item.value)
    except ValueError as error:
        raise unusable(
            f"what stands in the store is not a revision of a policy ({error})", item.key
        ) from error


def _batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    # itertools.batched() came with Python 3.12.
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _batches(items: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    octets = 0
    for name, part in items:
        if batch and (octets + len(part) > _BATCH_OCTETS or len(batch) >= _DELETED_AT_ONCE):
            yield batch
            batch, octets = [], 0
        batch.append((name, part))
        octets += len(part)
    if batch:
        yield batch
