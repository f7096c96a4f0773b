"""The contents of main.cf and master.cf, both in one state; Postfix can be asked what it would make of them.

Must not know: which contents are ours.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance

MAIN, MASTER = "main.cf", "master.cf"


@dataclass(frozen=True, slots=True)
class Contents:
    """Both files."""

    main: bytes
    master: bytes

    def in_order(self, *names: str) -> dict[str, bytes]:
        """Return the contents by file name, in the order of *names*."""
        by_name = {MAIN: self.main, MASTER: self.master}
        return {name: by_name[name] for name in names}

    @contextmanager
    def staged(self, instance: PostfixInstance) -> Iterator[PostfixInstance]:
        """Yield an instance that is configured by these contents, to be asked what it would do.

        A Problem that comes of asking names the files that these contents are for.
        """
        with tempfile.TemporaryDirectory(prefix="domain-secure-") as temporary:
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
