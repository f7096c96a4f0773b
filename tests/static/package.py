"""What is handed on has the same bytes whoever makes it: elsewhere, at another time, with another umask."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .distribution import ROOT, distribution
from promises import Promise

PART = "package"
_MOMENT = 1_700_000_000
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "*.egg-info")
_PROGRAMS = ("dpkg-buildpackage", "dh", "lintian")
# The second maker: elsewhere, at another time, with an umask and a locale of his own.
_OTHER = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "tr_TR.UTF-8"}


def measure(quick: bool) -> list[Promise]:
    """Make everything twice and compare; the short form leaves the Debian package out."""
    with tempfile.TemporaryDirectory() as scratch:
        first, second = _checkouts(Path(scratch))
        made = [distribution(one, Path(scratch) / f"made{number}", _MOMENT)
                for number, one in enumerate((first, second))]  # fmt: skip
        promises = [
            _same(kind, *pair)
            for kind, pair in zip(("wheel", "source distribution"), zip(*made, strict=True), strict=True)
        ]
        if not quick:
            promises.append(_debian_package(first, second))
    return promises


def _checkouts(folder: Path) -> tuple[Path, Path]:
    """Return the tree twice: as it is, and as somebody else has it."""
    first, second = folder / "first", folder / "of somebody else" / "second"
    for tree in (first, second):
        shutil.copytree(ROOT, tree, ignore=_LEFT_OUT)
    for path in (second, *second.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1_500_000_000, 1_500_000_000))
    return first, second


def _debian_package(first: Path, second: Path) -> Promise:
    """Make the Debian package in both; where it cannot be made nothing is known."""
    what = "the Debian package made twice is the same"
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return Promise(
            PART,
            what,
            "yes",
            "not made",
            None,
            f"not installed: {', '.join(missing)}: ./dev deb installs them",
        )
    packages = []
    for tree, variables, umask in ((first, {}, 0o022), (second, _OTHER, 0o077)):
        done = subprocess.run(
            ["sh", str(tree / "debian" / "make-package")],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(_MOMENT), **variables},
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
            return Promise(PART, what, "yes", "not made", None if done.returncode == 3 else False, reason)
        packages += (tree / "dist").glob("*.deb")
    return _same("Debian package", *packages)


def _same(kind: str, one: Path, other: Path) -> Promise:
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, other)]
    is_same = digests[0] == digests[1]
    measured = digests[0][:16] if is_same else " and ".join(digest[:16] for digest in digests)
    return Promise(
        PART, f"the {kind} made twice, by makers of different habits", "the same bytes", measured, is_same
    )
