"""Looking again and again: on a terminal, elsewhere, and how it ends."""

import argparse
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.commands.terminal.watching import count, seconds, watch

from lab.waiting import DEADLINE
from unit.commands.terminals import read_until

PROGRAM = Path(sys.executable).with_name("domain-secure")
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"  # of xterm's other screen


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Return a configuration with a partner; no daemon runs by it, and there is no Postfix."""
    path = tmp_path / "domain-secure.toml"
    path.write_text(
        f"""\
[receive]
domains = ["woodgrovebank.test"]
[metrics]
listen = "127.0.0.1:1"
[postfix]
config_directory = "{tmp_path}/postfix"
[paths]
state = "{tmp_path}"
"""
    )
    return path


@pytest.mark.parametrize("command", [("top", "--every", "0.2"), ("status", "--watch", "0.2")])
def test_on_a_terminal_it_ends_with_ctrl_c(configuration: Path, command: tuple[str, ...]) -> None:
    """The other screen is entered, drawn and left, and nothing is said of the interruption."""
    ours, theirs = pty.openpty()
    # A shell starts what runs in the background with this signal ignored, and a program inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program = subprocess.Popen(
        [PROGRAM, "--config", configuration, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "200", "LINES": "30"},
    )
    os.close(theirs)
    try:
        seen = read_until(ours, b"Ctrl-C ends")
    finally:
        program.send_signal(signal.SIGINT)
        rest = read_until(ours, None)
        os.close(ours)
        status = program.wait(DEADLINE)
    assert ENTER in seen
    assert b"woodgrovebank.test" in seen
    assert LEAVE in rest
    assert b"Traceback" not in rest
    assert status in {0, 3}


def test_without_a_terminal_each_look_is_a_page(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its time above it, no control characters, and as many as were asked for."""
    assert main(["--config", str(configuration), "top", "--every", "0.2", "--count", "2"]) == 3
    printed = capsys.readouterr().out
    assert printed.count("-- 20") == printed.count("woodgrovebank.test") == 2
    assert "\x1b" not in printed
    assert main(["--config", str(configuration), "status", "--watch", "0.2", "--count", "1"]) == 0
    assert "woodgrovebank.test" in capsys.readouterr().out


def test_count_without_watch_is_wrong_use(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And said so."""
    assert main(["--config", str(configuration), "status", "--count", "1"]) == 2
    assert "--watch" in capsys.readouterr().err


def test_ctrl_c_is_the_end_and_no_failure() -> None:
    """Wherever it comes."""

    def show() -> None:
        raise KeyboardInterrupt

    watch(show, 1.0)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "0.1", "1e9"])
def test_times_that_make_no_sense(text: str) -> None:
    """Neither a busy loop nor an eternity."""
    with pytest.raises(argparse.ArgumentTypeError):
        seconds(text)


def test_at_least_one_look() -> None:
    """None is not asked for."""
    assert count("1") == 1
    with pytest.raises(argparse.ArgumentTypeError):
        count("0")
