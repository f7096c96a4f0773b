"""What only a booted machine shows: the package under its own systemd, on each Debian it is made for.

For each suite a machine is made; each step runs the scenarios of one file of ``inside/`` on it, and finds the
machine as the step before left it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from machines.debian_root import UnavailableError, copied, enter, install, with_packages
from machines.machine import Machine, check_machines_can_run
from machines.product_package import ROOT, SOURCE, copy_checkout, package, packages_of, with_revision

pytestmark = pytest.mark.machine

#: In this order; before the first of the second row the machine is powered off and booted.
STEPS = ("test_readme", "test_mail", "test_service", "test_upgrade")
AFTER_REBOOT = ("test_after_reboot", "test_removal", "test_setup")
#: On a machine of their own.
UNITS = ("test_units", "test_programs")

_INSIDE = Path("/opt/scenarios")
_HOME = Path("/root")
_PYTEST = Path("/opt/tests/bin/pytest")
#: What stands on the machine before the product comes.
_PACKAGES = ["postfix", "python3-venv", "unbound", "dns-root-data", "openssl"]
#: What the unit tests ask.
_POSTFIX = ["postfix", "postfix-cdb", "postfix-lmdb", "passwd", "procps"]
#: What `./dev` does for its own environment, without the programs that only real tests need.
_UNIT_TESTS = f"""
cd {SOURCE}
./dev environment
.venv/bin/pytest -q -n 2 tests/unit --deselect tests/unit/test_quality.py
"""
#: Those of the product, on a machine.
_LIBRARIES = "usr/lib/postfix-domain-secure/lib/python3*/site-packages"
_PYTEST_PARTS = ("iniconfig", "packaging", "pluggy", "pygments", "pytest")


@dataclass
class Prepared:
    """The machine of a suite, and which steps it has behind it."""

    machine: Machine
    done: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def prepared(suite: str) -> Iterator[Prepared]:
    """A machine of a suite that has been booted, with the package ready to be installed."""
    with _booted(suite) as machine:
        yield Prepared(machine)


@contextmanager
def _booted(suite: str) -> Iterator[Machine]:
    try:
        check_machines_can_run()
        made = package(suite)
        root = _root_of_an_edge(suite)
    except UnavailableError as reason:
        pytest.skip(f"left out: {suite}: {reason}")
    with copied(root) as copy:
        machine = Machine(copy)
        machine.copy_in(made, _HOME / "dist" / made.name)
        with_revision(made, copy / "root" / "later", 2)
        machine.copy_in(ROOT / "README.md", _HOME / "README.md")
        machine.copy_in(Path(__file__).parent / "inside", _INSIDE)
        try:
            # What the package depends on is fetched now, and installed by apt on the machine.
            install(copy, f"{_HOME}/dist/{made.name}", options=("--download-only",))
        except UnavailableError as reason:
            pytest.skip(f"left out: {suite}: {reason}")
        try:
            machine.boot()
            yield machine
        finally:
            machine.close()


@pytest.mark.parametrize("step", STEPS + AFTER_REBOOT)
def test_on_a_booted_machine(prepared: Prepared, step: str) -> None:
    """Every scenario of the step holds."""
    steps = STEPS + AFTER_REBOOT
    before = list(steps[: steps.index(step)])
    assert prepared.done[: len(before)] == before, (
        "an earlier step failed, and the machine is not as it should be"
    )
    machine = prepared.machine
    if step == AFTER_REBOOT[0]:
        machine.power_off()
        machine.boot()
    _run_scenarios(machine, step)
    prepared.done.append(step)


def _run_scenarios(machine: Machine, step: str, **variables: str) -> None:
    command = [
        _PYTEST,
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        _INSIDE / f"{step}.py",
    ]
    done = machine.run_as_service(*command, DOMAIN_SECURE_MACHINE="1", LANG="C.UTF-8", **variables)
    print(done.stdout)
    if done.returncode:
        print(machine.run("journalctl", "--no-pager", "--lines=60", "--unit=domain-secure*").stdout)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_the_units_hold_what_they_promise(suite: str) -> None:
    """What the shipped units forbid and survive, on a machine of its own; with ``--on`` alone."""
    with _booted(suite) as machine:
        machine.run("sh", "-c", f"apt-get install -q -y {_HOME}/dist/*.deb")
        # The scenarios make certificates, by the library that the product brings along.
        (libraries,) = machine.root.glob(_LIBRARIES)
        for step in UNITS:
            _run_scenarios(machine, step, PYTHONPATH=f"/{libraries.relative_to(machine.root)}")


@pytest.mark.long
def test_the_unit_tests_pass_on_the_suites_python(suite: str) -> None:
    """With the suite's own Python and libraries; collected only with ``--on``, for it takes long."""
    try:
        check_machines_can_run()
        root = with_packages(suite, "unit", [*packages_of("deb"), *_POSTFIX])
    except UnavailableError as reason:
        pytest.skip(f"left out: {suite}: {reason}")
    with copied(root) as copy:
        copy_checkout(copy)
        print(enter(copy, "sh", "-ec", _UNIT_TESTS))


def _root_of_an_edge(suite: str) -> Path:
    """Return a root with Postfix, a resolver, and what runs the scenarios, as we are pinned to it."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    wanted = [pin for pin in pins if pin.partition("==")[0] in _PYTEST_PARTS]
    environment = _PYTEST.parents[1]
    return with_packages(
        suite,
        "edge",
        _PACKAGES,
        f"python3 -m venv {environment}",
        f"{environment}/bin/pip install -q --no-deps {' '.join(wanted)}",
    )
