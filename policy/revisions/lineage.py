"""Whether a node may go from the revision it enforces to the one in the store.

Owns: that judgement.  A node never goes back, nor over to another line of revisions, by itself: a store that
was restored from an older snapshot, or rewritten, must not undo what was agreed since.
Must not know: the store, clocks, files.
Invariant: without FOLLOWS nothing is applied; where a signature is required, FOLLOWS needs a trusted one.
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
    UNSIGNED = "unsigned"  #: a signature is required, and no trusted key made one


@dataclass(frozen=True, slots=True)
class Demands:
    """What a node asks of a revision."""

    require_signature: bool = False
    trusted_keys: frozenset[PublicKey] = frozenset()


def step(head: Envelope, applied: Envelope | None, history: Iterable[Envelope], demands: Demands) -> Step:
    """Return what *head* is to *applied*; *history* holds revisions from *applied* on, in any order.

    Revisions that the store no longer keeps cannot be asked: past them the number decides.
    """
    if applied is not None and head.revision.digest == applied.revision.digest:
        # A signature that was added to the very revision, or is missing on it, changes nothing.
        return Step.SAME
    if demands.require_signature and not head.is_signed_by(demands.trusted_keys):
        return Step.UNSIGNED
    if applied is None:
        return Step.FOLLOWS
    if head.revision.fleet != applied.revision.fleet:
        return Step.FOREIGN
    if head.revision.number <= applied.revision.number:
        return Step.BACKWARDS
    return _descends(head, applied, history)


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


def describe(kind: Step, head: Envelope, applied: Envelope | None) -> str:
    """Return in one clause why the revision in the store is not applied."""
    there = f"revision {head.revision.number}"
    ours = f"revision {applied.revision.number}" if applied else "nothing"
    match kind:
        case Step.BACKWARDS:
            return f"the store went backwards: it holds {there}, and this node enforces {ours}"
        case Step.FORKED:
            return f"{there} in the store does not follow on {ours}, which this node enforces"
        case Step.FOREIGN:
            return f"{there} in the store belongs to another fleet"
        case Step.UNSIGNED:
            signer = f"by {head.key}, which is not trusted here" if head.key else "by nobody"
            return f"{there} is signed {signer}, and store.require_signature is set"
        case _:
            return ""
