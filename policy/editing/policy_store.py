"""Where what decides about mail is kept and edited: one interface for a file and for a fleet's store.

Owns: that interface, and the file.  A list or a rule is changed the same way wherever it stands.
Must not know: etcd.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem

from .draft import Draft, open_draft

T = TypeVar("T")


class PolicyStore(Protocol):
    """What can be edited as a whole."""

    def edit(self, change: Callable[[Draft], T], what: str, *, create: bool = True) -> T:
        """Return what *change* makes of a draft of the newest state, which it writes.

        It may be called again where another writer was faster.  *what* tells the history what was asked for;
        without *create* there must be something already.  Raises Problem and OSError.
        """

    def shown(self, name: str) -> DomainList | None:
        """Return a list as people were shown it last, or None where nobody else can have changed it since."""

    def list_at(self, name: str, revision: int) -> DomainList:
        """Return a list as it was in a revision; raises Problem."""


class FileStore:
    """The configuration file of one machine; a lock lets one writer in at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: What was read last: who reads a long list once more does so in no time as long as it is held.
        self._read: Configuration | None = None

    def edit(self, change: Callable[[Draft], T], what: str, *, create: bool = True) -> T:
        """Return what *change* makes of a draft of the file; its history is whatever keeps that file."""
        del what
        with open_draft(self.path, create=create) as draft:
            self._read = draft.former
            return change(draft)

    def shown(self, name: str) -> None:
        """Return nothing: who sets the list of a file is its only writer."""
        del name

    def list_at(self, name: str, revision: int) -> DomainList:
        """Raise a Problem: a file has no revisions."""
        raise Problem("a file has no revisions", f"{name} list of revision {revision}", "leave it out")
