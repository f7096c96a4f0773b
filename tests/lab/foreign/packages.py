"""Programs from Debian packages that cannot be installed beside Postfix, or need not be.

Mail servers of Debian conflict with each other, as each is the ``mail-transport-agent``.  So they are fetched
by the host's apt, with whatever they need that the host has not, and unpacked into a folder; a process that
is to see them gets it over its own ``/usr`` and ``/var/lib``.  Nothing is installed, and no script is run.

They are kept in ``$XDG_CACHE_HOME/domain-secure-laboratory``, or in ``/var/cache/domain-secure-laboratory``,
by the names of the packages' files.  Sources: apt-get(8), dpkg-deb(1), mount(8) overlay.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machines.debian_root import UnavailableError, with_packages

#: Programs without which nothing is fetched.
PROGRAMS = ("apt-get", "dpkg-deb", "dpkg-query")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "/var/cache")) / "domain-secure-laboratory"

# /etc is private in the laboratory, and each server's files are copied there.
_OVERLAID = """
for folder in usr var/lib; do
    [ ! -d "$1/$folder" ] || mount -t overlay -o "lowerdir=$1/$folder:/$folder" overlay "/$folder"
done
shift
exec "$@"
"""
# The root's own /var/lib, too: there are empty folders to be locked into.
_EXCHANGED = """
mount -t overlay -o "lowerdir=$1/var/lib:/var/lib" overlay /var/lib
mount --bind "$1/usr" /usr
shift
exec "$@"
"""
_FILE = re.compile(r"^'[^']+' (?P<file>\S+_\S+\.deb) \d+", re.MULTILINE)


class Unpacked:
    """The files of some packages, and of what they need besides."""

    def __init__(self, *packages: str) -> None:
        """Fetch them, where that was not done before; raises UnavailableError."""
        self.packages = packages
        self.folder = _unpacked(packages)

    def entered(self, *command: str | Path) -> list[str | Path]:
        """Return a command line that runs a *command* with the packages' files in place."""
        return ["unshare", "--mount", "sh", "-ec", _OVERLAID, "lab", self.folder, *command]

    def version(self) -> str:
        """Return the upstream version of the first package."""
        return _upstream(next(self.folder.glob(f"{self.packages[0]}_*.control")).read_text())


class OfSuite:
    """The files of a package of another suite of Debian than the host's, with that suite's own ``/usr``."""

    def __init__(self, suite: str, package: str) -> None:
        """Make the suite's root, where that was not done before; raises UnavailableError."""
        self._package = package
        self.folder = with_packages(suite, f"lab-{package}", [package])

    def entered(self, *command: str | Path) -> list[str | Path]:
        """Return a command line that runs a *command* with the suite's ``/usr`` for the host's."""
        return ["unshare", "--mount", "sh", "-ec", _EXCHANGED, "lab", self.folder, *command]

    def version(self) -> str:
        """Return the upstream version."""
        status = (self.folder / "var/lib/dpkg/status").read_text()
        return _upstream(
            next(one for one in status.split("\n\n") if one.startswith(f"Package: {self._package}\n"))
        )


def _upstream(control: str) -> str:
    (found,) = re.findall(r"(?m)^Version: (?:\d+:)?([\w.]+)", control)
    return str(found)


def _unpacked(packages: Sequence[str]) -> Path:
    files = _FILE.findall(_apt(*packages, "--print-uris"))
    if not files:
        raise UnavailableError(f"apt finds no package {' or '.join(packages)} that could be unpacked")
    digest = hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:12]
    folder = CACHE / f"{packages[0]}-{digest}"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="fetching-") as scratch:
        fetched, made = Path(scratch, "archives"), Path(scratch, "root")
        Path(fetched, "partial").mkdir(parents=True)
        _apt(*packages, "--yes", "--download-only", "-o", f"Dir::Cache::archives={fetched}")
        for package in sorted(fetched.glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", package, made], check=True)
            control = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True)
            (made / f"{package.name}.control").write_bytes(control.stdout)
        made.chmod(0o755)
        try:
            made.rename(folder)
        except OSError:
            # Another process has made it meanwhile.
            shutil.rmtree(made)
    return folder


def _apt(*arguments: str) -> str:
    """Ask apt about an installation that never takes place, with new lists where the old ones fail."""
    # Nothing is locked, as nothing is changed.
    command = ["apt-get", "install", "-q", "--no-install-recommends", "-o", "Debug::NoLocking=1", *arguments]
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}

    def ask() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    done = ask()
    if done.returncode:
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False, env=environment)
        done = ask()
    if done.returncode:
        raise UnavailableError(f"`{' '.join(command)}`: {done.stderr.strip()[-500:]}")
    return done.stdout
