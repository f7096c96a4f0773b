"""The contents of main.cf and master.cf, both in one state; Postfix can be asked what it would make of them.

Must not know: which contents are ours.
"""

import os
import shutil
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance import main_cf, master_cf
from domain_secure.postfix.instance.programs import PostfixInstance

MAIN, MASTER = "main.cf", "master.cf"
_PREFIX = "domain-secure-staged-"
_ABANDONED_SECONDS = 3600.0  #: longer than any plan takes


@dataclass(frozen=True, slots=True)
class Contents:
    """Both files."""

    main: bytes
    master: bytes

    def in_order(self, *names: str) -> dict[str, bytes]:
        """Return the contents by file name, in the order of *names*."""
        by_name = {MAIN: self.main, MASTER: self.master}
        return {name: by_name[name] for name in names}

    def unless_moved_only(self, found: "Contents") -> "Contents":
        """Return these contents, but each file as it is *found* where that says the same in another order."""
        return Contents(
            found.main if says_the_same(found.main, self.main) else self.main,
            found.master if _services(found.master) == _services(self.master) else self.master,
        )

    @contextmanager
    def staged(self, instance: PostfixInstance) -> Iterator[PostfixInstance]:
        """Yield an instance that is configured by these contents, to be asked what it would do.

        A Problem that comes of asking names the files that these contents are for.
        """
        _remove_abandoned()
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as temporary:
            folder = Path(temporary)
            for path in instance.config_directory.iterdir():
                if path.name not in {MAIN, MASTER}:
                    (folder / path.name).symlink_to(path)
            for name, content in self.in_order(MAIN, MASTER).items():
                (folder / name).write_bytes(content)
                # Postfix takes a file younger than two seconds for one that is being edited, and waits.
                os.utime(folder / name, (0, 0))
            try:
                yield PostfixInstance(folder)
            except Problem as problem:
                copy, real = str(folder), str(instance.config_directory)
                for name in ("what", "where", "fix"):
                    setattr(problem, name, getattr(problem, name).replace(copy, real))
                raise


def says_the_same(one: bytes, other: bytes) -> bool:
    """Tell whether two contents of main.cf have the same settings and comments, whatever their order.

    Of several entries for one parameter the last counts, so that their order is no matter of taste.
    """
    return _settings(one) == _settings(other)


def _settings(main: bytes) -> tuple[Counter[bytes], dict[bytes, list[bytes]]]:
    values: dict[bytes, list[bytes]] = {}
    for entry in main_cf.entries(main):
        values.setdefault(entry.name, []).append(entry.value)
    return _comments(main), values


def _services(master: bytes) -> tuple[Counter[bytes], dict[bytes, list[tuple[list[bytes], list[bytes]]]]]:
    services: dict[bytes, list[tuple[list[bytes], list[bytes]]]] = {}
    for entry in master_cf.entries(master):
        words = [token.text for token in entry.fields], [token.text for token in entry.arguments]
        services.setdefault(entry.key, []).append(words)
    return _comments(master), services


def _comments(content: bytes) -> Counter[bytes]:
    lines = (line.strip() for line in content.splitlines())
    return Counter(line for line in lines if line.startswith(b"#"))


def _remove_abandoned() -> None:
    """Remove what killed processes of ours left staged; it holds copies of both files."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            state = path.lstat()
            is_old = time.time() - state.st_mtime > _ABANDONED_SECONDS
            if stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid() and is_old:
                shutil.rmtree(path)
