"""One edit of the configuration file, from the lock to the replaced file.

Owns: the writer's lock, the check of the complete new text, and the order in which files are replaced.
Invariant: what is written has been read by the same parser as the daemon's and means what was asked for; an
end at any instant leaves each file old or new.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tomlkit.exceptions import TOMLKitError

from .atomic_file import replace, writer_lock
from .configuration import Configuration
from .problems import Problem
from .reading import parse, read_configuration, read_file

_NEW_FILE = b"""\
# What this mail server demands of listed domains. Commands such as
# `domain-secure receive add DOMAIN` edit this file and keep your comments.
"""
_FOLDER_MODE = 0o755  #: the daemon, which is not root, reads the configuration


@dataclass(slots=True)
class Draft:
    """The new texts of one edit, while the lock is held."""

    path: Path
    text: str
    former: Configuration
    others: dict[Path, bytes] = field(default_factory=dict)  #: new content of a ``domains_file``

    def edit(self, change: Callable[[str], str]) -> None:
        """Change the text of the configuration; raises Problem where its layout does not allow it."""
        try:
            self.text = change(self.text)
        except (TOMLKitError, TypeError) as error:
            raise self._defeated() from error

    def write(self, is_as_asked: Callable[[Configuration], bool]) -> tuple[Path, ...]:
        """Check the new texts as a whole, replace the files that change, and return these.

        Raises Problem and OSError.
        """
        content = self.text.encode()
        if not is_as_asked(parse(content, self.path, self._read)):
            raise self._defeated()
        # The configuration goes first: it gets the additions, the other files only lose lines.
        written = []
        for file, new in {self.path: content, **self.others}.items():
            if not file.exists() or read_file(file) != new:
                replace(file, new)
                written.append(file)
        return tuple(written)

    def _read(self, file: Path) -> bytes:
        return self.others[file] if file in self.others else read_file(file)

    def _defeated(self) -> Problem:
        return Problem("the layout of this file defeats an automatic edit", str(self.path), "edit it by hand")


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
            yield Draft(path, content.decode(), former)
    except PermissionError as error:
        fix = "run this as root, for example with sudo"
        raise Problem("no permission to change the configuration", str(path), fix) from error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(_FOLDER_MODE)
