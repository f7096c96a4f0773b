"""What every test needs: a sound import path, and a word about the tests that could not run here."""

import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from packing import keep, longest_first

_ROOT = str(Path(__file__).resolve().parent.parent)
_LEFT_OUT = "left out: "
SUITES = ("bookworm", "trixie", "forky")  #: of Debian, for which a package is made

# `python -m pytest` puts the checkout in front, where each of its folders has a second name.
sys.path[:] = [entry for entry in sys.path if str(Path(entry or ".").resolve()) != _ROOT]

# How long an example takes says how busy the machine is, and nothing about us.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For many runs of the same tests, as of mutants: few examples, and always the same.
settings.register_profile("brief", settings.get_profile("untimed"), max_examples=25, derandomize=True)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the suites of Debian be chosen on which a booted machine is tested."""
    parser.addoption(
        "--on",
        action="append",
        choices=SUITES,
        metavar="SUITE",
        help="test on a booted machine of this suite of Debian alone, and with the unit tests on its Python",
    )
    parser.addoption(
        "--keep-seconds",
        action="store_true",
        help="note how long each file took, by which the next runs hand them out, the longest first",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is about machines on each suite, or on the chosen ones."""
    if "suite" in metafunc.fixturenames:
        metafunc.parametrize("suite", metafunc.config.getoption("on") or SUITES, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what takes long for those who ask for one suite of Debian; hand out the longest files first."""
    if not config.getoption("on"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if item.get_closest_marker("long") is None]
    items[:] = longest_first(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what needs root where we are not root; where we are, or in CI, lacking parts are an error."""
    from lab.namespaces import missing_programs

    if (marker := next(item.iter_markers("real"), None) or item.get_closest_marker("machine")) is None:
        return
    is_root = os.geteuid() == 0
    if not is_root and os.environ.get("CI") != "true":
        pytest.skip(f"{_LEFT_OUT}needs root")
    if not is_root:
        pytest.fail("needs root, and in CI nothing is left out", pytrace=False)
    if marker.name == "machine":
        from machines import debian_root, machine

        parts: tuple[ModuleType, ...] = (debian_root, machine)
    else:
        from lab import browser, etcd, laboratory, neighbours, prometheus

        parts = (laboratory, etcd, prometheus, browser, neighbours)
    if missing := missing_programs([program for part in parts for program in part.PROGRAMS]):
        pytest.fail(f"not installed: {', '.join(missing)}; `./dev test` installs them", pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where a suite of Debian was asked for by name, what was left out is no success."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not session.config.getoption("on") or session.exitstatus != pytest.ExitCode.OK:
        return
    if _left_out(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out, and why or how to run them."""
    if terminalreporter.config.getoption("--keep-seconds"):
        categories = ("", "passed", "failed", "skipped", "error")
        keep([report for one in categories for report in terminalreporter.getreports(one)])
    reasons = _left_out(terminalreporter)
    if reasons:
        terminalreporter.section("left out")
    if count := reasons.pop("needs root", 0):
        terminalreporter.write_line(
            f"{count} tests need root, because they run real Postfix in namespaces of its own: "
            "`sudo ./dev test` runs them"
        )
    for reason, number in sorted(reasons.items()):
        where = " on a booted machine" if reason.startswith(SUITES) else ""
        terminalreporter.write_line(f"{number} tests{where}: {reason}")


def _left_out(reporter: pytest.TerminalReporter) -> Counter[str]:
    """Return how many tests were left out, by reason."""
    return Counter(
        text.partition(_LEFT_OUT)[2]
        for report in reporter.getreports("skipped")
        if _LEFT_OUT in (text := report.longrepr[2] if isinstance(report.longrepr, tuple) else "")
    )
