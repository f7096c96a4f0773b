"""The shape of the tree: which package may know which, and that everything says what it is for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("policy", "milter", "postfix", "fleet", "commands")
MAY_KNOW = {
    "policy": {"policy"},
    "milter": {"milter", "policy"},
    "postfix": {"postfix", "policy"},
    "fleet": {"fleet", "policy"},
    "commands": {"commands", "fleet", "milter", "policy", "postfix"},
}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).glob("**/*.py"))
LINES = 350
STATEMENT_LINES = 60


def identifier(path: Path) -> str:
    """Name a parametrised module."""
    return str(path.relative_to(ROOT))


def packages_imported(tree: ast.AST, package: str) -> set[str]:
    """Return the packages of ours that a module of *package* imports."""
    known: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("domain_secure.")
            }
        elif isinstance(node, ast.ImportFrom):
            names = (node.module or "").split(".")
            if node.level == 0 and names[0] == "domain_secure":
                known.add(names[1])
            elif node.level == 1:
                known.add(package)
            elif node.level == 2:
                known.add(names[0])
    return known


@pytest.mark.parametrize("path", MODULES, ids=identifier)
def test_imports_run_one_way(path: Path) -> None:
    """``policy`` knows itself alone; ``milter``, ``postfix`` and ``fleet`` do not know each other."""
    package = path.relative_to(ROOT).parts[0]
    assert packages_imported(ast.parse(path.read_text()), package) <= MAY_KNOW[package]


@pytest.mark.parametrize("path", MODULES, ids=identifier)
def test_modules_and_what_they_offer_are_described(path: Path) -> None:
    """Modules, public classes and public functions have a docstring."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    assert ast.get_docstring(member), f"{node.name}.{member.name}"


@pytest.mark.parametrize("path", MODULES, ids=identifier)
def test_modules_and_functions_stay_readable(path: Path) -> None:
    """One concept a module, one thought a function."""
    text = path.read_text()
    assert text.count("\n") <= LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= STATEMENT_LINES, node.name


def test_the_folder_milter_does_not_pass_for_pymilters_module() -> None:
    """With the root first on sys.path the mistake is named instead of breaking inside pymilter."""
    done = subprocess.run(
        [sys.executable, "-c", "import Milter"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "this folder is the package domain_secure.milter" in done.stderr
