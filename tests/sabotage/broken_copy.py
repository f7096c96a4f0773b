"""A copy of the checkout in which something of the product is replaced, with an environment that runs it.

Owns: the copy, and that whatever is started from its environment is the copy's product: the tests' own
imports, the command, and the daemon that the laboratory starts.
Must not know: which replacements there are, who notices them.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".hypothesis", ".*_cache", "*.egg-info", "build", "dist", "mutants"
)
_ROOMS = ("commands", "fleet", "milter", "policy", "postfix")


@dataclass(frozen=True, slots=True)
class Replacement:
    """A text of one file of the product, which stands there once, and what it becomes."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Return the text of the file with it; raises ValueError where the old text does not stand once."""
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} has {count} times, and not once: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class BrokenCopy:
    """The copy, at *root*."""

    root: Path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the copy's interpreter, as ``./dev`` runs the checkout's, to its end."""
        return subprocess.run(
            [self.root / ".venv" / "bin" / "python", "-P", *arguments],
            cwd=self.root,
            env=_environment({"PYTHONPATH": str(self.root / "tests")}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


@contextmanager
def broken_copy(replacements: Iterable[Replacement]) -> Iterator[BrokenCopy]:
    """Make a copy with these replacements for a while; raises ValueError where one does not fit."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as scratch:
        Path(scratch).chmod(0o755)  # the daemon's user has to read it
        root = Path(scratch) / "checkout"
        shutil.copytree(ROOT, root, symlinks=True, ignore=_LEFT_OUT)
        for one in replacements:
            file = root / one.file
            text = one.applied(file.read_text())
            compile(text, one.file, "exec")
            file.write_text(text)
        _make_environment(root)
        yield BrokenCopy(root)


def environment_without_product(place: Path) -> Path:
    """Make an environment at *place* that has all of ours but the product; return where its packages go."""
    ours = Path(sys.prefix)
    subprocess.run([sys.executable, "-P", "-m", "venv", "--without-pip", place], check=True)
    packages = Path(sysconfig.get_path("purelib"))
    theirs = place / packages.relative_to(ours)
    # A path alone, so that what our own packages say at the start, where the product is, is not said there.
    (theirs / "ours.pth").write_text(f"{packages}\n")
    return theirs


def _make_environment(root: Path) -> None:
    """Make an environment like ours, in which the product is the copy's."""
    environment = root / ".venv"
    product = environment_without_product(environment) / "domain_secure"
    product.mkdir()
    for room in _ROOMS:
        (product / room).symlink_to(root / room)
    command = environment / "bin" / "domain-secure"
    shutil.copy2(root / "commands" / "domain-secure", command)
    command.chmod(0o755)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | variables
