"""The linter, the formatter and the type checker pass on the whole tree."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
CODE = ("commands", "fleet", "manual", "milter", "policy", "postfix", "tests")


def passes(*command: str, folder: Path = ROOT, **environment: str) -> None:
    """Assert that a program ends with status 0, and show what it says where it does not."""
    done = subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_linter(tmp_path: Path) -> None:
    """``ruff check`` finds nothing."""
    passes("ruff", "check", "--cache-dir", str(tmp_path), *CODE)


def test_formatter(tmp_path: Path) -> None:
    """``ruff format`` would change nothing."""
    passes("ruff", "format", "--check", "--cache-dir", str(tmp_path), *CODE)


def test_types(tmp_path: Path) -> None:
    """``mypy --strict`` passes on all packages under their import names."""
    packages = tmp_path / "domain_secure"
    packages.mkdir()
    for name in ("commands", "fleet", "milter", "policy", "postfix"):
        (packages / name).symlink_to(ROOT / name)
    passes(
        "mypy",
        f"--config-file={ROOT / 'pyproject.toml'}",
        "--namespace-packages",
        "--explicit-package-bases",
        f"--cache-dir={tmp_path / 'cache'}",
        "-p",
        "domain_secure",
        # Elsewhere than in the tree, where our folder would pass for pymilter's module.
        folder=tmp_path,
        MYPYPATH=str(tmp_path),
    )
