"""What only a booted machine shows: the package under its own systemd, on each Debian it is made for.

For each suite a machine is made; each step runs the scenarios of one file of ``inside/`` on it, and finds the
machine as the step before left it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from machines.debian_root import UnavailableError, copied, enter, with_packages
from machines.edge_machine import HOME, LIBRARIES, booted, run_scenarios
from machines.machine import Machine, check_machines_can_run
from machines.product_package import SOURCE, copy_checkout, packages_of

pytestmark = pytest.mark.machine

#: In this order; before the first of the second row the machine is powered off and booted.
STEPS = ("test_readme", "test_mail", "test_service", "test_upgrade")
AFTER_REBOOT = ("test_after_reboot", "test_removal", "test_setup")
#: On a machine of their own.
UNITS = ("test_units", "test_requests", "test_programs")

#: What the unit tests ask.
_POSTFIX = ["postfix", "postfix-cdb", "postfix-lmdb", "passwd", "procps"]
#: What `./dev` does for its own environment, without the programs that only real tests need.
_UNIT_TESTS = f"""
cd {SOURCE}
./dev environment
.venv/bin/pytest -q -n 2 tests/unit --deselect tests/unit/test_quality.py
"""


@dataclass
class Prepared:
    """The machine of a suite, and which steps it has behind it."""

    machine: Machine
    done: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def prepared(suite: str) -> Iterator[Prepared]:
    """A machine of a suite that has been booted, with the package ready to be installed."""
    with booted(suite) as machine:
        yield Prepared(machine)


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
    run_scenarios(machine, step)
    prepared.done.append(step)


@pytest.mark.long
def test_the_units_hold_what_they_promise(suite: str) -> None:
    """What the shipped units forbid and survive, on a machine of its own; with ``--on`` alone."""
    with booted(suite) as machine:
        machine.run("sh", "-c", f"apt-get install -q -y {HOME}/dist/*.deb")
        # The scenarios make certificates, by the library that the product brings along.
        (libraries,) = machine.root.glob(LIBRARIES)
        for step in UNITS:
            run_scenarios(machine, step, PYTHONPATH=f"/{libraries.relative_to(machine.root)}")


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
