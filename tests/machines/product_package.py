"""The Debian package of this checkout for a suite, made in a root of that suite by ``./dev deb``.

It is kept beside the roots until a file that goes into it changes.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .debian_root import CACHE, copied, enter, kept, with_packages

ROOT = Path(__file__).parents[2]
SOURCE = Path("/root/source")  #: where the checkout lies in a root

_BUILD_ROOT = "build"
#: What neither goes into the package nor has to do with its making.
_NOT_PACKAGED = ("tests/", ".")


def build_root(suite: str) -> Path:
    """Return a root of a *suite* with what ``./dev deb`` needs; raises UnavailableError."""
    return with_packages(suite, _BUILD_ROOT, packages_of("deb"))


def packages_of(command: str) -> list[str]:
    """Return the names of the Debian packages that a command of ``./dev`` needs."""
    shell = ["./dev", "packages", command]
    return subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def package(suite: str) -> Path:
    """Return the package for a *suite*; raises UnavailableError, or AssertionError where it is not made."""
    files = checkout_files()
    digest = hashlib.sha256(suite.encode())
    for path in files:
        if not path.startswith(_NOT_PACKAGED):
            mode = os.access(ROOT / path, os.X_OK)
            digest.update(f"\0{path}\0{mode}\0".encode() + (ROOT / path).read_bytes())
    folder = CACHE / suite / "packages" / digest.hexdigest()[:16]

    def make(partial: Path) -> None:
        with copied(build_root(suite)) as root:
            copy_checkout(root)
            enter(root, SOURCE / "dev", "deb", SOURCE_DATE_EPOCH=_date_of_the_tree())
            shutil.copytree(root / SOURCE.relative_to("/") / "dist", partial)

    for former in folder.parent.glob("*/"):
        if former not in {folder, folder.with_name(f"{folder.name}.partial")}:
            shutil.rmtree(former)
    kept(folder, make)
    (made,) = folder.glob("*.deb")
    return made


def with_revision(package: Path, folder: Path, revision: int) -> None:
    """Write the same package with a later *revision* of its version into *folder*."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
        control = tree / "DEBIAN" / "control"
        text = re.sub(r"(?m)^(Version: .*)-1~", rf"\g<1>-{revision}~", control.read_text())
        assert text != control.read_text()
        control.write_text(text)
        folder.mkdir()
        build = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, folder]
        subprocess.run(build, check=True, capture_output=True)


def copy_checkout(root: Path) -> None:
    """Copy the files of this checkout, as they are now, to ``SOURCE`` in a *root*."""
    for name in checkout_files():
        target = root / SOURCE.relative_to("/") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


def checkout_files() -> list[str]:
    """Return the paths, from the root of the checkout, of what is committed or new and not ignored."""
    git = [
        "git",
        "-c",
        f"safe.directory={ROOT}",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    names = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file())


def _date_of_the_tree() -> str:
    git = ["git", "-c", f"safe.directory={ROOT}", "log", "-1", "--format=%ct"]
    return subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
