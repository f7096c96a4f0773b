"""Mutants of one room of the policy, and what its tests make of each: mutmut, in a tree laid out as it wants.

Owns: the tree, the run, and how a mutant is named so that the name outlives changes elsewhere.
mutmut makes mutants of functions and methods; what stands outside of them, and what is decorated (properties,
that is), it leaves as it is.  It counts on a module's name being its path, which is so in the tree made here.
"""

import ast
import difflib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import Any

from mutmut.configuration import reset_config
from mutmut.mutation.file_mutation import mutate_file_contents
from sabotage.broken_copy import environment_without_product

ROOT = Path(__file__).parents[2]
_ROOMS = ("commands", "fleet", "milter", "policy", "postfix")
_SOURCE = Path("src/domain_secure")
_BESIDE = ("tests", "docs", "manual", "README.md", "CONTRIBUTING.md")
_NAME_OF_ORIGINAL = "__mutmut_orig"

# Each mutant's process is a copy of one in which all tests have passed: what a function remembers of its
# answers would be the answers of the original.  And which tests run a function would hang on what the tests
# before had asked of it.
_CONFTEST = '''
import sys


def pytest_runtest_setup() -> None:
    """Forget what functions of the product have answered."""
    for name, module in list(sys.modules.items()):
        if name.startswith("domain_secure."):
            for one in list(vars(module).values()):
                if hasattr(one, "cache_clear"):
                    one.cache_clear()
'''


@unique
class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"  #: a test that runs it has failed
    TIMEOUT = "timeout"  #: the tests did not end, which people notice as well
    SURVIVED = "survived"
    UNTESTED = "untested"  #: no test runs it


#: Exit statuses of a mutant's process: of pytest, of signals, and mutmut's own.
_FATES = {0: Fate.SURVIVED, 1: Fate.KILLED, 3: Fate.KILLED, 5: Fate.UNTESTED, 33: Fate.UNTESTED}
_TIMEOUTS = frozenset({-24, 24, 36, 152, 255})


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One change of one function."""

    function: str  #: with its module, below ``domain_secure``
    change: str  #: the lines that are gone, and what stands there instead
    fate: Fate


def mutants(
    folder: Path, room: str, tests: Sequence[str], sample: int | None, processes: int
) -> tuple[list[Mutant], int]:
    """Run *tests* on all mutants of ``policy/<room>``, or on a *sample* of so many.

    Return these mutants, and how many there are in all.  *folder* is empty, and the place for what is
    written.  Raises RuntimeError where mutmut cannot do it.
    """
    _lay_out(folder, room, tests)
    names = _names(folder, room)
    chosen = names if sample is None else random.Random(0).sample(names, min(sample, len(names)))
    # In ours the product is the checkout, wherever Python is told to look first.
    environment = folder / ".venv"
    environment_without_product(environment)
    # What a test starts as a process of its own runs the mutant too.  That folder is not there yet, and
    # Python remembers this of a path: so it has another name than mutmut gives it.
    (folder / "of-processes").symlink_to(folder / "mutants" / "src")
    variables = {"PYTHONPATH": str(folder / "of-processes")}
    done = subprocess.run(
        [
            *("nice", "-n", "10", environment / "bin" / "python", "-P"),
            *("-m", "mutmut", "run", "--max-children", str(processes)),
            *([] if sample is None else chosen),
        ],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    found = [one for file in _made(folder, room) for one in _judged(file)]
    if len(found) < len(chosen):
        raise RuntimeError(f"mutmut ended with {done.returncode}: {done.stdout[-2000:]}")
    return sorted(found), len(names)


def _names(folder: Path, room: str) -> list[str]:
    names: list[str] = []
    # mutmut reads its settings from the folder in which it is.
    with chdir(folder):
        reset_config()
        for file in sorted((_SOURCE / "policy" / room).glob("*.py")):
            made = mutate_file_contents(str(file), file.read_text()).mutant_names
            names += (f"domain_secure.policy.{room}.{file.stem}.{name}" for name in made)
    return names


def _lay_out(folder: Path, room: str, tests: Iterable[str]) -> None:
    unwanted = shutil.ignore_patterns("__pycache__")
    for one in _ROOMS:
        shutil.copytree(ROOT / one, folder / _SOURCE / one, ignore=unwanted)
    for one in _BESIDE:
        if (ROOT / one).is_dir():
            shutil.copytree(ROOT / one, folder / one, ignore=unwanted)
        else:
            shutil.copy2(ROOT / one, folder / one)
    settings: dict[str, Any] = {
        "source_paths": ["src"],
        "only_mutate": [f"{_SOURCE}/policy/{room}/*.py"],
        "pytest_add_cli_args_test_selection": list(tests),
        "pytest_add_cli_args": ["-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-profile=brief"],
        "timeout_multiplier": 3.0,
        "timeout_constant": 5.0,
        "also_copy": ["conftest.py", *(one for one in _BESIDE if one != "tests")],
    }
    (folder / "conftest.py").write_text(_CONFTEST)
    # A JSON text of strings and lists is one of TOML, too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    text = (ROOT / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text("\n".join([text, "[tool.mutmut]", *lines, ""]))


def _made(folder: Path, room: str) -> list[Path]:
    return sorted((folder / "mutants" / _SOURCE / "policy" / room).glob("*.py"))


def _judged(file: Path) -> Iterator[Mutant]:
    """Yield the mutants of one file that were tried."""
    statuses: dict[str, int | None] = json.loads(Path(f"{file}.meta").read_text())["exit_code_by_key"]
    source = file.read_text()
    lines = source.splitlines()
    functions = {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "__mutmut_" in node.name
    }
    for key, status in statuses.items():
        if status is None:
            continue
        name = key.rpartition(".")[2]
        mangled = name.rpartition("__mutmut_")[0]
        change = _change(functions[f"{mangled}{_NAME_OF_ORIGINAL}"], functions[name])
        called = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        module = key.removeprefix("domain_secure.").rpartition(".")[0]
        fate = Fate.TIMEOUT if status in _TIMEOUTS else _FATES.get(status, Fate.KILLED)
        yield Mutant(f"{module}.{called}", change, fate)


def _change(before: Sequence[str], after: Sequence[str]) -> str:
    """Return what differs, on one line; that with the function's name, which always does, is left out."""
    lines = [
        line
        for line in difflib.unified_diff(before, after, n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    old, new = (
        " ".join(" ".join(line[1:].split()) for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return f"{old} → {new}" if new else f"{old} → nothing"
