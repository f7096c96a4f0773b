"""Scenarios for a booted Debian, run inside it as root, with the product and its units installed.

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

sys.path.insert(0, str(Path(__file__).parent))
if os.environ.get("DOMAIN_SECURE_MACHINE") != "1":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def installed() -> "Iterator[Machine]":
    """Return this machine, with Postfix and the product set up and running."""
    from booted_machine import Machine

    with Machine.set_up() as machine:
        yield machine


@pytest.fixture
def machine(installed: "Machine") -> "Machine":
    """Return the machine with the daemon running, as every scenario finds it."""
    installed.restore()
    return installed
