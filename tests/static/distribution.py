"""``./dev distribution``: the wheel and the source distribution, of the same bytes wherever they are made.

Owns: what of a checkout is no part of the product: who has it, since when, with which umask, and where.
Source: reproducible-builds.org (SOURCE_DATE_EPOCH).
"""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "*.egg-info")
_BUILD = "import setuptools.build_meta as backend, sys; backend.build_{}(sys.argv[1])"


def distribution(root: Path, folder: Path, moment: int) -> tuple[Path, Path]:
    """Build both from the checkout *root* as of *moment*, in seconds, into *folder*; return where they are.

    Raises subprocess.CalledProcessError where setuptools fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        tree, made = Path(scratch) / "tree", Path(scratch) / "made"
        shutil.copytree(root, tree, ignore=_LEFT_OUT)
        for path in (tree, *tree.rglob("*")):
            is_program = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_program else 0o644)
            os.utime(path, (moment, moment))
        for kind in ("wheel", "sdist"):
            subprocess.run(
                [sys.executable, "-W", "ignore", "-P", "-c", _BUILD.format(kind), str(made)],
                cwd=tree,
                check=True,
                capture_output=True,
                umask=0o022,
                env={**os.environ, "SOURCE_DATE_EPOCH": str(moment), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        (wheel,), (archive,) = made.glob("*.whl"), made.glob("*.tar.gz")
        archive.write_bytes(_plain(archive, moment))
        return Path(shutil.copy(wheel, folder)), Path(shutil.copy(archive, folder))


def _plain(archive: Path, moment: int) -> bytes:
    """Return an archive anew, in the order of names, without people and times."""
    packed = io.BytesIO()
    with (
        tarfile.open(archive) as former,
        gzip.GzipFile("", "wb", fileobj=packed, mtime=moment) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for member in sorted(former.getmembers(), key=lambda one: one.name):
            content = former.extractfile(member)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = moment
            member.pax_headers = {}
            made.addfile(member, content)
    return packed.getvalue()


def main() -> None:
    """Write both into the folder that is named, as of SOURCE_DATE_EPOCH."""
    for path in distribution(ROOT, Path(sys.argv[1]), int(os.environ["SOURCE_DATE_EPOCH"])):
        print(path)


if __name__ == "__main__":
    main()
