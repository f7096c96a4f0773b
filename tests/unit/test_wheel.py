"""What is installed: a wheel with everything that stands in the packages."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from room_plan import PACKAGES, ROOT


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """Modules, templates and styles alike: an installed program finds what the checkout has."""
    source = tmp_path / "source"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-P", "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "."],
        cwd=source,
        check=True,
        timeout=120,
    )
    (wheel,) = source.glob("*.whl")
    with ZipFile(wheel) as archive:
        installed = {name for name in archive.namelist() if name.startswith("domain_secure/")}
    wanted = {
        f"domain_secure/{path.relative_to(source)}"
        for package in PACKAGES
        for path in (source / package).glob("**/*")
        if path.is_file()
    }
    assert installed == wanted
