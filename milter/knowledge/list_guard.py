"""Stands between a reading of the configuration and its coming into force: what became of the lists?

Owns: what the daemon remembers for that, over restarts too.
Must not know: when files are read.
Source: DESIGN section 8, ``list-vanished``.
"""

import os
from collections.abc import Callable
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.list_losses import Confirmation, losses
from domain_secure.policy.configuration.lists_in_force import InForce, ListsInForce
from domain_secure.policy.configuration.reading import ReadFile, read_file
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events

Load = Callable[[Path, ReadFile], Configuration]

# systemd.exec(5): the folder of the unit, for a file so damaged that it does not name it any more.
_STATE_VARIABLE = "STATE_DIRECTORY"


class UnsettledError(Exception):
    """Entries are gone, not many; whoever writes the file may not be done yet."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        super().__init__()
        self.files = files


class ListGuard:
    """Reads the configuration at *path*, and knows the one in force."""

    def __init__(self, load: Load, path: Path, log: Callable[[Event], None]) -> None:
        self._load = load
        self._path = path
        self._log = log
        self._kept: ListsInForce | None = None  #: None: nothing was read yet
        self._in_force: Configuration | None = None
        self._last = InForce(path, {})  #: as it is kept
        self._texts: dict[Path, bytes] = {}
        self._seen: tuple[Confirmation, ...] = ()

    @property
    def watched(self) -> tuple[Path, ...]:
        """Return the file that changes when somebody confirms something."""
        return (self._kept.confirmations_file,) if self._kept else ()

    @property
    def in_force(self) -> Configuration:
        """Return the configuration in force; there must be one."""
        assert self._in_force is not None  # noqa: S101 - asked about a loss, of which there is none without
        return self._in_force

    def load(self, path: Path) -> Configuration:
        """Return the configuration as the files have it; raises Problem."""
        # Before the files: what is confirmed afterwards is not used up by what they say now.
        self._seen = self._kept.confirmations() if self._kept else ()
        texts: dict[Path, bytes] = {}

        def read(file: Path) -> bytes:
            content, former = read_file(file), self._last.texts.get(file)
            # A long text that is what it was is in memory once.
            texts[file] = former if former is not None and former == content else content
            return texts[file]

        configuration = self._load(path, read)
        self._texts = texts
        if self._kept is None:
            self._remember(configuration)
            self._seen = self._kept.confirmations() if self._kept else ()
        return configuration

    def judge(self, present: Configuration, *, is_settled: bool, is_insisted: bool) -> None:
        """Let a configuration pass that may come into force.

        Raises ListVanishedError where it has lost too much, unless *is_insisted* says that somebody wants
        what is left; UnsettledError where it has lost anything, and *is_settled* does not say that its files
        are written to the end.
        """
        if self._in_force is None or not (self._in_force.receive or self._in_force.send):
            self._refuse_nothing(present)
            return
        found = losses(self._in_force, present, self._unused())
        for loss in found:
            if loss.held_back and (loss.is_empty or not is_insisted):
                raise loss.problem(self._path, present.files)
        if found and not is_settled:
            raise UnsettledError(present.files)

    def put_in_force(self, configuration: Configuration) -> None:
        """Take the configuration that was read last as the one in force, and keep it."""
        self._in_force = configuration
        self._last = InForce(
            self._path, self._texts, self._last.used | frozenset(one.token for one in self._seen)
        )
        self._keep()

    def attend(self) -> None:
        """Keep it again where somebody took it away."""
        if self._kept is not None and self._in_force is not None and not self._kept.is_kept():
            self._keep()

    def _refuse_nothing(self, present: Configuration) -> None:
        """Raise a Problem for a file without one letter, which is no configuration but the rest of one."""
        if not present.receive and not present.send and not self._texts.get(self._path, b"x").strip():
            raise Problem(
                "the configuration is empty",
                str(self._path),
                "put it back; `domain-secure receive add DOMAIN` begins a new one",
            )

    def _unused(self) -> tuple[Confirmation, ...]:
        return tuple(one for one in self._seen if one.token not in self._last.used)

    def _remember(self, present: Configuration) -> None:
        """Find out what was in force when the last daemon ended."""
        self._kept = ListsInForce(present.state)
        folders = [present.state, *map(Path, filter(None, os.environ.get(_STATE_VARIABLE, "").split(":")))]
        for folder in dict.fromkeys(folders):
            try:
                last = ListsInForce(folder).read()
                if last is None or last.path != self._path:
                    continue
                self._in_force = self._load(self._path, last.read)
            except Problem as problem:
                self._log(events.in_force_unknown(str(problem)))
                continue
            self._kept, self._last = ListsInForce(folder), last
            return

    def _keep(self) -> None:
        assert self._kept is not None  # noqa: S101 - something was read
        try:
            self._kept.write(self._last)
        except FileNotFoundError:
            return  # a state folder that is gone is told by those who cannot work without it
        except OSError as error:
            self._log(events.in_force_not_kept(str(error)))
