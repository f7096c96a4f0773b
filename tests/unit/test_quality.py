"""The linter, the formatter and the type checker pass on the whole tree."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
CODE = ("commands", "fleet", "manual", "milter", "policy", "postfix", "tests")

# A hyphen and a word must follow the codes.
_EXCEPTION = re.compile(r"# noqa:(?: *[A-Z]+\d+,?)*? *S\d{3}\b")
_REASON = re.compile(r"# noqa:(?: *[A-Z]+\d+,?)+ - \w")


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
        # Elsewhere than in the tree, where each folder has a second name.
        folder=tmp_path,
        MYPYPATH=str(tmp_path),
    )


def test_every_exception_from_a_rule_of_security_has_its_reason_beside_it() -> None:
    """What turns one of ruff's S rules off says why, in the line and for a whole folder alike."""
    lines = [
        (path, number, line)
        for name in CODE
        for path in sorted((ROOT / name).rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
    ]
    excepted = [one for one in lines if _EXCEPTION.search(one[2])]
    assert len(excepted) > 20
    assert [f"{path}:{number}" for path, number, line in excepted if not _REASON.search(line)] == []
    assert not [path for path, _, line in lines if re.search(r"# no[s]ec|# ruff: *no[q]a|# no[q]a *$", line)]
    settings = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    rules = [line for line in settings if re.match(r' +("S\d*", )*"S\d*"', line)]
    assert len(rules) > 4
    assert [line for line in rules if "  # " not in line and " # " not in line] == []
