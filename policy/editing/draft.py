"""One edit of what is configured, from the state it starts at to the state that is kept.

Owns: the check of the complete new text; for the configuration file also the writer's lock and the order in
which files are replaced.
Invariant: what is written has been read by the same parser as the daemon's and means what was asked for; an
end at any instant leaves each file old or new.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.lists_in_force import ListsInForce
from domain_secure.policy.configuration.reading import ReadFile, parse, read_configuration, read_file
from domain_secure.policy.files.atomic_file import replace, writer_lock
from domain_secure.policy.revisions.revision import Revision
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem

_NEW_FILE = b"""\
# What this mail server demands of listed domains. Commands such as
# `domain-secure receive add DOMAIN` edit this file and keep your comments.
"""
_FOLDER_MODE = 0o755  #: the daemon, which is not root, reads the configuration


Written = Path | Revision  #: what an edit has written: files, or a revision of the fleet

#: By the name of a list: what it was, or None for whatever it was, and what it is meant to be.
Meant = Mapping[str, tuple[DomainList | None, DomainList]]


class Place(Protocol):
    """Where the texts of a draft come from and go to."""

    def parse(self, content: bytes, read: ReadFile) -> Configuration:
        """Return the configuration that a new text would be; raises Problem."""

    def read(self, file: Path) -> bytes:
        """Return the present content of a ``domains_file``; raises OSError."""

    def confirm(self, state: Path, meant: Meant) -> None:
        """Tell the daemon with the state folder *state* that entries are meant to go; raises OSError."""

    def save(self, texts: Mapping[Path, bytes]) -> tuple[Written, ...]:
        """Replace what differs, the document first, and return what was written; raises Problem, OSError."""


@dataclass(slots=True)
class Draft:
    """The new texts of one edit."""

    path: Path
    text: str
    former: Configuration
    place: Place
    others: dict[Path, bytes] = field(default_factory=dict)  #: new content of a ``domains_file``
    meant: dict[str, tuple[DomainList | None, DomainList]] = field(default_factory=dict)

    def edit(self, change: Callable[[str], str]) -> None:
        """Change the text of the configuration; raises Problem where its layout does not allow it."""
        # The daemon reads this module too, and never edits.
        from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

        try:
            self.text = change(self.text)
        except (TOMLKitError, TypeError) as error:
            raise self._defeated() from error

    def write(self, is_as_asked: Callable[[Configuration], bool]) -> tuple[Written, ...]:
        """Check the new texts as a whole, keep them, and return what was written for it.

        Raises Problem and OSError.
        """
        content = self.text.encode()
        new = self.place.parse(content, self.read)
        if not is_as_asked(new):
            raise self._defeated()
        if self.meant:
            self.place.confirm(new.state, self.meant)
        return self.place.save({self.path: content, **self.others})

    def read(self, file: Path) -> bytes:
        """Return the content of a ``domains_file`` as this draft has it; raises OSError."""
        return self.others[file] if file in self.others else self.place.read(file)

    def _defeated(self) -> Problem:
        return Problem("the layout of this file defeats an automatic edit", str(self.path), "edit it by hand")


class _OnDisk:
    """The configuration file and the files it names."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def parse(self, content: bytes, read: ReadFile) -> Configuration:
        """Return the configuration that *content* would be."""
        return parse(content, self._path, read)

    def read(self, file: Path) -> bytes:
        """Return the content of a file."""
        return read_file(file)

    def confirm(self, state: Path, meant: Meant) -> None:
        """Put it where the daemon looks before it reads the files."""
        ListsInForce(state).confirm(meant)

    def save(self, texts: Mapping[Path, bytes]) -> tuple[Written, ...]:
        """Replace the files that change."""
        # The configuration goes first: it gets the additions, the other files only lose lines.
        written = []
        for file, new in texts.items():
            if not file.exists() or read_file(file) != new:
                replace(file, new)
                written.append(file)
        return tuple(written)


@contextmanager
def open_draft(path: Path, *, create: bool = False) -> Iterator[Draft]:
    """Lock the configuration and yield a draft of it; with *create* a missing file is an empty one.

    Raises Problem, also when the present configuration is faulty, and OSError.
    """
    # Where the file really is, so that a symbolic link and its target share one lock.
    folder = Path(os.path.realpath(path)).parent
    try:
        if create:
            _make_folder(folder)
        elif not path.exists():
            read_configuration(path)
        with writer_lock(folder):
            content = _NEW_FILE if create and not path.exists() else read_configuration(path)
            former = parse(content, path)
            yield Draft(path, content.decode(), former, _OnDisk(path))
    except PermissionError as error:
        fix = "run this as root, for example with sudo"
        raise Problem("no permission to change the configuration", str(path), fix) from error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(_FOLDER_MODE)
