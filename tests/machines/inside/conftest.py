"""Scenarios for a booted Debian, run on it as root by its own Python; they build on one another.

They set up the Postfix of the machine they run on, so that they are collected only where it is said that this
is what the machine is for: ``DOMAIN_SECURE_MACHINE=1``.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from booted_machine import Machine

    from mail_hosts import Edge, Partner

sys.path.insert(0, str(Path(__file__).parent))
if os.environ.get("DOMAIN_SECURE_MACHINE") != "1":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def edge() -> "Edge":
    """Return this machine's own Postfix."""
    from mail_hosts import Edge

    return Edge()


@pytest.fixture(scope="session")
def partner() -> "Partner":
    """Return the partner's Postfix, on the same machine."""
    from mail_hosts import Partner

    return Partner()


@pytest.fixture(scope="session")
def installed() -> "Iterator[Machine]":
    """Return this machine, set up for the scenarios of the units: Postfix and the product, running."""
    from booted_machine import Machine

    with Machine.set_up() as machine:
        yield machine


@pytest.fixture
def machine(installed: "Machine") -> "Machine":
    """Return the machine with the daemon running, as every scenario of the units finds it."""
    installed.restore()
    return installed
