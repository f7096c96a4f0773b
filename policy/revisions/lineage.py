"""Whether a node may go from the revision it enforces to the one in the store.

Owns: that judgement.  A node never goes back, nor over to another line of revisions, by itself: a store that
was restored from an older snapshot, or rewritten, must not undo what was agreed since.
Must not know: the store, clocks, files.
Invariant: without FOLLOWS nothing is applied; where a signature is required, FOLLOWS needs a trusted one, and
one that does not fit is never passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from .revision import Envelope, PublicKey


@unique
class Step(StrEnum):
    """What the revision in the store is to the one this node enforces."""

    SAME = "same"
    FOLLOWS = "follows"
    BACKWARDS = "backwards"  #: an older one, or another one of the same number
    FORKED = "forked"  #: newer by its number, and does not descend from ours
    FOREIGN = "foreign"  #: of another fleet
    UNSIGNED = "unsigned"  #: a signature is required, and there is none
    UNTRUSTED = "untrusted"  #: a signature is required, and the key that made it is not trusted
    BAD_SIGNATURE = "bad-signature"  #: the signature is not one of this revision: it was changed afterwards


@dataclass(frozen=True, slots=True)
class Demands:
    """What a node asks of a revision."""

    require_signature: bool = False
    trusted_keys: frozenset[PublicKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """The newest revision that a node ever applied: it outlives the revision itself."""

    fleet: str
    number: int


def step(
    head: Envelope,
    applied: Envelope | None,
    history: Iterable[Envelope],
    demands: Demands,
    known: Known | None = None,
) -> Step:
    """Return what *head* is to *applied*; *history* holds revisions from *applied* on, in any order.

    *known* counts also where *applied* is lost, or came back from an older copy.  Revisions that the store no
    longer keeps cannot be asked: past them the number decides.
    """
    if known and head.revision.fleet == known.fleet and head.revision.number < known.number:
        return Step.BACKWARDS
    if applied is not None and head.revision.digest == applied.revision.digest:
        # A signature that was added to the very revision, or is missing on it, changes nothing.
        return Step.SAME
    if (fault := _fault_of_signature(head, demands)) is not None:
        return fault
    return Step.FOLLOWS if applied is None else _advances(head, applied, history)


def _advances(head: Envelope, applied: Envelope, history: Iterable[Envelope]) -> Step:
    if head.revision.fleet != applied.revision.fleet:
        return Step.FOREIGN
    if head.revision.number <= applied.revision.number:
        return Step.BACKWARDS
    return _descends(head, applied, history)


def _fault_of_signature(head: Envelope, demands: Demands) -> Step | None:
    if head.key is None:
        return Step.UNSIGNED if demands.require_signature else None
    if not head.is_signed_by({head.key}):
        return Step.BAD_SIGNATURE
    if demands.require_signature and head.key not in demands.trusted_keys:
        return Step.UNTRUSTED
    return None


def _descends(head: Envelope, applied: Envelope, history: Iterable[Envelope]) -> Step:
    known = {envelope.revision.digest: envelope.revision for envelope in history}
    revision = head.revision
    while True:
        if revision.settles or revision.parent == applied.revision.digest:
            return Step.FOLLOWS
        parent = known.get(revision.parent or "")
        if parent is None:
            # Where revisions are kept, those above ours are; none of them being our child is a fork.
            oldest = min((one.number for one in known.values()), default=None)
            trimmed = oldest is not None and oldest > applied.revision.number + 1
            return Step.FOLLOWS if trimmed and revision.number == oldest else Step.FORKED
        if parent.number <= applied.revision.number:
            return Step.FORKED
        revision = parent


def describe(kind: Step, head: Envelope, applied: Envelope | None, known: Known | None = None) -> str:
    """Return in one clause why the revision in the store is not applied."""
    there = f"revision {head.revision.number}"
    ours = f"revision {applied.revision.number}" if applied else "nothing"
    if kind is Step.BACKWARDS and known and (applied is None or applied.revision.number < known.number):
        return (
            f"the store went backwards: it holds {there}, and this node had applied revision {known.number}"
        )
    return {
        Step.BACKWARDS: f"the store went backwards: it holds {there}, and this node enforces {ours}",
        Step.FORKED: f"{there} in the store does not follow on {ours}, which this node enforces",
        Step.FOREIGN: f"{there} in the store belongs to another fleet",
        Step.UNSIGNED: f"{there} is signed by nobody, and store.require_signature is set",
        Step.UNTRUSTED: f"{there} is signed by {head.key}, which is not trusted here, and "
        "store.require_signature is set",
        Step.BAD_SIGNATURE: f"{there} was changed after it was signed, or its signature is forged",
    }.get(kind, "")


def advice(kind: Step) -> str:
    """Return what an administrator does about a revision that is not applied, as an imperative."""
    match kind:
        case Step.UNSIGNED:
            return "look at `domain-secure fleet log`, then `domain-secure fleet sign` it where the key is"
        case Step.UNTRUSTED:
            return (
                "find out whose key it is: an administrator's is trusted on every node with `domain-secure "
                "fleet trust`; another's revision gives way to `domain-secure fleet accept node`"
            )
        case Step.BAD_SIGNATURE:
            return (
                "find out who may write to the store and shut them out, then put what this node holds in its "
                "place with `domain-secure fleet accept node`"
            )
        case _:
            return "see `domain-secure fleet status`, then `domain-secure fleet accept` one of the two"
