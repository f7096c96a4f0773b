"""What every test needs: a sound import path, and a word about the tests that could not run here."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_ROOT = str(Path(__file__).resolve().parent.parent)
_LEFT_OUT = "left out: "

# `python -m pytest` puts the checkout in front, where its folder `milter` hides pymilter's module.
sys.path[:] = [entry for entry in sys.path if str(Path(entry or ".").resolve()) != _ROOT]

# How long an example takes says how busy the machine is, and nothing about us.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what needs root where we are not root; where we are, or in CI, lacking parts are an error."""
    if item.get_closest_marker("real") is None:
        return
    is_root = os.geteuid() == 0
    if not is_root and os.environ.get("CI") != "true":
        pytest.skip(f"{_LEFT_OUT}needs root")
    if not is_root:
        pytest.fail("needs root, and in CI nothing is left out", pytrace=False)
    from lab import browser, etcd, laboratory, prometheus
    from lab.namespaces import missing_programs

    parts = (laboratory, etcd, prometheus, browser)
    if missing := missing_programs([program for part in parts for program in part.PROGRAMS]):
        pytest.fail(f"not installed: {', '.join(missing)}; `./dev test` installs them", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were left out, and how to run them."""
    skipped = terminalreporter.getreports("skipped")
    count = sum(_LEFT_OUT in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section("left out")
        terminalreporter.write_line(
            f"{count} tests need root, because they run real Postfix in namespaces of its own: "
            "`sudo ./dev test` runs them"
        )
