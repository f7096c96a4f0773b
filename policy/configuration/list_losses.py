"""What a list lost between two readings of the configuration, and whether somebody must confirm that.

Owns: that rule, as a computation on two configurations.
Must not know: files, and who confirms.
Invariant: a list that becomes empty always needs a confirmation: no setting lets it pass.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem

from .configuration import Configuration

LISTS = ("receive", "send")
# Of three entries a part says little: whoever edits by hand takes one or two off at once.
_LEAST_ENTRIES = 4


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Somebody wanted a list to become another one: *former*, unless it is None, and *present* as digests."""

    token: str  #: unique
    list_name: str
    former: str | None
    present: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Entries of one list that are gone."""

    list_name: str
    gone: int
    former: int  #: how many there were
    is_empty: bool  #: nothing is left
    first: Entry  #: one of those that are gone
    held_back: bool  #: too many to be let go without a confirmation

    def problem(self, path: Path, files: tuple[Path, ...] = ()) -> "ListVanishedError":
        """Return what to tell of a loss in the configuration at *path* that is held back."""
        name = self.list_name
        if self.is_empty:
            return ListVanishedError(
                self,
                files,
                f"the {name} list has vanished, all {self.former} entries of it, and nobody confirmed that: "
                "what was in force stays in force",
                str(path),
                f"put the entries back, or run `domain-secure {name} set --none` if none is meant",
            )
        return ListVanishedError(
            self,
            files,
            f"{self.gone} of {self.former} entries are gone from the {name} list ({self.first} is one), and "
            "nobody confirmed that: what was in force stays in force",
            str(path),
            f"put the entries back, or run `domain-secure {name} confirm` if they are meant to go",
        )


class ListVanishedError(Problem):
    """A list lost more than anybody confirmed."""

    def __init__(self, loss: Loss, files: tuple[Path, ...], what: str, where: str, fix: str) -> None:
        super().__init__(what, where, fix)
        self.loss = loss
        self.files = files  #: of the reading that is held back


def losses(
    former: Configuration, present: Configuration, confirmations: Iterable[Confirmation] = ()
) -> tuple[Loss, ...]:
    """Return what the lists lost and nobody confirmed.

    How large a part may go is what *former* says: a damaged file says nothing of it.  A fleet's policy comes
    whole, from a command, and is confirmed by that.
    """
    if present.revision is not None:
        return ()
    known = tuple(confirmations)
    found = (_loss(name, former, present, known) for name in LISTS)
    return tuple(loss for loss in found if loss is not None)


def digest(entries: DomainList) -> str:
    """Return what stands for a list in a confirmation."""
    return hashlib.sha256(entries.octets().removesuffix(b"\n")).hexdigest()


def _loss(
    name: str, former: Configuration, present: Configuration, confirmations: tuple[Confirmation, ...]
) -> Loss | None:
    before, after = list_of(former, name), list_of(present, name)
    gone = list(before.without(after))
    if not gone or _is_confirmed(digest(before), digest(after), name, confirmations):
        return None
    part = former.receive_hold_back if name == "receive" else former.send_hold_back
    allowed = part * len(before)
    too_many = len(before) >= _LEAST_ENTRIES and len(gone) > allowed
    return Loss(name, len(gone), len(before), not after, gone[0], held_back=not after or too_many)


def list_of(configuration: Configuration, name: str) -> DomainList:
    """Return a list by its name."""
    return configuration.receive if name == "receive" else configuration.send


def _is_confirmed(before: str, after: str, name: str, confirmations: tuple[Confirmation, ...]) -> bool:
    """Tell whether confirmations lead from one list to the other, in one step or several."""
    reached, last = {before}, set[str]()
    while reached != last:
        last = set(reached)
        reached |= {
            one.present
            for one in confirmations
            if one.list_name == name and (one.former is None or one.former in reached)
        }
    return after in reached - {before}
