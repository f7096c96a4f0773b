"""A booted machine with Postfix on it and the package of this checkout beside it, ready to be installed.

Owns: what lies on it and where, and how scenarios run there.  Must not know: what they try.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from .debian_root import UnavailableError, copied, install, with_packages
from .machine import Machine, check_machines_can_run
from .product_package import ROOT, package, with_revision

HOME = Path("/root")  #: where the administrator stands
INSIDE = Path("/opt/scenarios")
#: Those of the product, on a machine.
LIBRARIES = "usr/lib/postfix-domain-secure/lib/python3*/site-packages"
_PYTEST = Path("/opt/tests/bin/pytest")
#: What stands on the machine before the product comes.
_PACKAGES = ("postfix", "python3-venv", "unbound", "dns-root-data", "openssl")
_PYTEST_PARTS = ("iniconfig", "packaging", "pluggy", "pygments", "pytest")


@contextmanager
def booted(suite: str, name: str = "edge", packages: Sequence[str] = (), *commands: str) -> Iterator[Machine]:
    """Yield a machine of a suite, booted; the test is left out, with the reason, where there can be none.

    name: of its root, which has *packages* besides, after shell *commands* ran in it.
    """
    try:
        check_machines_can_run()
        made = package(suite)
        root = _root(suite, name, packages, commands)
    except UnavailableError as reason:
        pytest.skip(f"left out: {suite}: {reason}")
    with copied(root) as copy:
        machine = Machine(copy)
        machine.copy_in(made, HOME / "dist" / made.name)
        with_revision(made, copy / "root" / "later", 2)
        machine.copy_in(ROOT / "README.md", HOME / "README.md")
        machine.copy_in(Path(__file__).parent / "inside", INSIDE)
        try:
            # What the package depends on is fetched now, and installed by apt on the machine.
            install(copy, f"{HOME}/dist/{made.name}", options=("--download-only",))
        except UnavailableError as reason:
            pytest.skip(f"left out: {suite}: {reason}")
        try:
            machine.boot()
            yield machine
        finally:
            machine.close()


def run_scenarios(machine: Machine, step: str, **variables: str) -> None:
    """Run the scenarios of one file of ``inside/`` on a machine; they must all hold."""
    command = [
        _PYTEST,
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        INSIDE / f"{step}.py",
    ]
    done = machine.run_as_service(*command, DOMAIN_SECURE_MACHINE="1", LANG="C.UTF-8", **variables)
    print(done.stdout)
    if done.returncode:
        print(machine.run("journalctl", "--no-pager", "--lines=60", "--unit=domain-secure*").stdout)
    assert done.returncode == 0, done.stderr


def _root(suite: str, name: str, packages: Sequence[str], commands: Sequence[str]) -> Path:
    """Return a root with Postfix, a resolver, and what runs the scenarios, as we are pinned to it."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    wanted = [pin for pin in pins if pin.partition("==")[0] in _PYTEST_PARTS]
    environment = _PYTEST.parents[1]
    return with_packages(
        suite,
        name,
        [*_PACKAGES, *packages],
        f"python3 -m venv {environment}",
        f"{environment}/bin/pip install -q --no-deps {' '.join(wanted)}",
        *commands,
    )
