"""What is handed on: the wheel and the source distribution hold all that an administrator needs."""

import tarfile
import tomllib
import zipfile
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from room_plan import PACKAGES
from static.distribution import distribution

ROOT = Path(__file__).parents[2]
MOMENT = 1_700_000_000
NEEDED = {
    *(path.relative_to(ROOT) for path in (ROOT / "systemd").iterdir()),
    *(path.relative_to(ROOT) for path in (ROOT / "docs").glob("**/*") if path.is_file()),
    *map(Path, ("README.md", "CHANGELOG.md", "SECURITY.md")),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built from a copy of the tree."""
    folder = tmp_path_factory.mktemp("distribution")
    distribution(ROOT, folder, MOMENT)
    return folder


def test_nothing_tells_who_made_them_and_when(built: Path) -> None:
    """One moment, no people, and the modes of a public checkout, so that two makers get the same bytes."""
    [wheel] = built.glob("*.whl")
    entries = zipfile.ZipFile(wheel).infolist()
    assert {one.date_time for one in entries} == {datetime.fromtimestamp(MOMENT, UTC).timetuple()[:6]}
    assert {oct(one.external_attr >> 16 & 0o777) for one in entries} <= {"0o644", "0o664", "0o755"}
    [archive] = built.glob("*.tar.gz")
    assert int.from_bytes(archive.read_bytes()[4:8], "little") == MOMENT
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
    assert {(one.mtime, one.uid, one.gid, one.uname, one.gname) for one in members} == {
        (MOMENT, 0, 0, "", "")
    }
    assert [one.name for one in members] == sorted(one.name for one in members)


def test_the_wheel_carries_units_and_documents(built: Path) -> None:
    """Whoever installs it with pip finds the units and the documents in the environment's share folder."""
    [wheel] = built.glob("*.whl")
    names = {name.partition(".data/data/share/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    for path in NEEDED:
        place = "" if path.parts[0] == "systemd" else "doc/"
        assert f"{place}postfix-domain-secure/{path}" in names


def test_the_wheel_holds_every_file_of_the_packages(built: Path) -> None:
    """Modules, templates and styles alike: an installed program finds what the checkout has."""
    [wheel] = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if name.startswith("domain_secure/")} == {
        f"domain_secure/{path.relative_to(ROOT)}"
        for package in PACKAGES
        for path in (ROOT / package).glob("**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_source_distribution_carries_the_whole(built: Path) -> None:
    """The package, the manual and the tests can be made from it."""
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    scripts = ("dev", "debian/rules", "debian/make-package", "manual/write.py", "constraints.txt")
    assert {*map(str, NEEDED), *scripts, "tests/unit/test_distribution.py"} <= names


def test_every_package_is_locked_with_its_digest() -> None:
    """For each Python the same packages are pinned, each with a digest, and the pins of development agree."""
    pins = set((ROOT / "constraints.txt").read_text().split())
    for path in (ROOT / "requirements").iterdir():
        entries = path.read_text().replace("\\\n", " ").splitlines()[1:]
        for entry in entries:
            requirement, *digests = entry.split()
            assert requirement in pins, f"{path.name}: {requirement}; `./dev lock` makes both"
            assert digests
            assert all(digest.startswith("--hash=sha256:") for digest in digests)


def test_what_is_never_loaded_is_not_installed() -> None:
    """What others ask for and we never load is in no lock, and not there while the tests run."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {entry["name"] for entry in settings["tool"]["uv"]["dependency-metadata"]}
    assert asked == {"pyhanko-certvalidator", "pbr"}
    locked = "".join(path.read_text() for path in (ROOT / "requirements").glob("python*.txt"))
    assert not [name for name in ("oscrypto", "aiohttp", "setuptools") if f"\n{name}==" in locked]
    assert find_spec("oscrypto") is None
    assert find_spec("aiohttp") is None
