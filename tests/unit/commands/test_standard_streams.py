"""Commands whose output goes nowhere: a full device, a terminal that is gone, a reader that is."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from domain_secure.commands.help.usage import usages

from unit.commands.terminals import read_until

PROGRAM = Path(sys.executable).with_name("domain-secure")
FULL = (
    "domain-secure: No space left on device: the operating system: "
    "make room on this file system, then run this again\n"
)
GONE = "domain-secure: Input/output error: the operating system: mend this and try again\n"


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A configuration with a list that is longer than what is kept before it is written."""
    (tmp_path / "long").write_text("".join(f"d{number}.example.test\n" for number in range(5_000)))
    path = tmp_path / "x.toml"
    path.write_text(
        f'[receive]\ndomains = ["a.test"]\n[send]\ndomains_file = "long"\n[paths]\nstate = "{tmp_path}"\n'
    )
    return path


def run(
    configuration: Path, *arguments: str, stdout: int | IO[str], stderr: int | IO[str] = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run the command as an installed one does, output kept until there is enough of it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [PROGRAM, "--config", configuration, *arguments],
        env=environment,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def full() -> Iterator[IO[str]]:
    """Return a device on which there is no space left."""
    with Path("/dev/full").open("w", encoding="utf-8") as device:
        yield device


@contextmanager
def closed_terminal() -> Iterator[int]:
    """Return a terminal whose window has been closed."""
    ours, terminal = os.openpty()
    os.close(ours)
    try:
        yield terminal
    finally:
        os.close(terminal)


@contextmanager
def pipe_without_reader() -> Iterator[int]:
    """Return a pipe from which nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


COMMANDS = pytest.mark.parametrize(
    "words", ["--help", "--version", "receive list", "receive list --json", "send list", "top --count 1"]
)


@COMMANDS
def test_a_full_device_is_told_in_one_line(words: str, configuration: Path) -> None:
    """Output that finds no space is a failure told once, for help and for long lists as well."""
    with full() as device:
        done = run(configuration, *words.split(), stdout=device)
    assert (done.returncode, done.stderr) == (2, FULL)


@COMMANDS
def test_a_closed_terminal_is_told_in_one_line(words: str, configuration: Path) -> None:
    """Output on a terminal that is gone is a failure told in one line, where somebody can still be told."""
    with closed_terminal() as terminal:
        done = run(configuration, *words.split(), stdout=terminal)
    assert (done.returncode, done.stderr) == (2, GONE)


@COMMANDS
def test_a_reader_that_is_gone_is_told_nothing(words: str, configuration: Path) -> None:
    """It went away on purpose: nothing is said, and the status is that of SIGPIPE."""
    with pipe_without_reader() as pipe:
        done = run(configuration, *words.split(), stdout=pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("words", "status"), [("receive", 2), ("receive remove b.test --config /nowhere", 2), ("receive list", 2)]
)
def test_where_nobody_can_be_told_the_status_tells(words: str, status: int, configuration: Path) -> None:
    """With both streams on a terminal that is gone, or on a full device, the status is the command's own."""
    for place in (closed_terminal(), full()):
        with place as stream:
            done = run(configuration, *words.split(), stdout=stream, stderr=stream)
        assert done.returncode == status


def test_a_problem_is_told_before_lost_output(configuration: Path) -> None:
    """A command that fails by itself, and cannot print either, tells of its own problem alone."""
    with full() as device:
        done = run(configuration, "partner", "show", "a.test", "--config", "/nowhere", stdout=device)
    assert done.returncode == 2
    assert done.stderr.startswith("domain-secure: there is no configuration yet: /nowhere: ")
    assert done.stderr.count("\n") == 1


#: They run until they are told to end, or ask the world outside.
_NOT_RUN = ("serve", "setup", "probe", "top")
EVERY = [
    words
    for usage in usages().values()
    for words in [shlex.split(usage.examples[0][0])]
    if words[0] not in _NOT_RUN and not {"--config", "--follow", "--out", "/root/fleet.key"} & set(words)
]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_no_command_shows_a_traceback_to_a_full_device(words: list[str], tmp_path: Path) -> None:
    """The first example of every command: at most one line, and success only where nothing was to be said."""
    path = tmp_path / "x.toml"
    path.write_text(
        '[receive]\ndomains = ["woodgrovebank.test"]\n[paths]\nstate = "state"\n'
        '[metrics]\nlisten = "127.0.0.1:9"\n[postfix]\nconfig_directory = "postfix"\n'
    )
    with full() as device:
        done = run(path, *words, stdout=device)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    if done.returncode == 0:
        assert run(path, *words, stdout=subprocess.PIPE).stdout == ""


@pytest.mark.parametrize("words", usages(), ids=lambda words: words or "domain-secure")
def test_every_help_tells_of_a_full_device(words: str, configuration: Path) -> None:
    """What could not be read by anybody is no success."""
    with full() as device:
        done = run(configuration, *words.split(), "--help", stdout=device)
    assert (done.returncode, done.stderr) == (2, FULL)


def test_closed_standard_input_is_an_empty_one(configuration: Path) -> None:
    """A command that reads it finds nothing there, and says so in one line."""
    command = [PROGRAM, "--config", configuration, "partner", "cert", "add", "a.test", "-"]
    closed = ["/bin/sh", "-c", '"$@" <&-', "sh", *command]
    done = subprocess.run(closed, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("domain-secure: this cannot be imported: ")
    assert done.stderr.count("\n") == 1


@contextmanager
def on_a_terminal(*command: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a command on a terminal of its own; yield its process and our end of the terminal."""
    ours, terminal = os.openpty()
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    with subprocess.Popen(["setsid", "--ctty", *command], **streams) as process:
        os.close(terminal)
        yield process, ours


ASKING = ("cert", "ca", "init", "--domain", "contoso.test", "--offline")


def test_the_end_of_input_is_no_password(configuration: Path, tmp_path: Path) -> None:
    """Ctrl-D where a password is asked for: one line, and nothing is made."""
    folder = tmp_path / "authority"
    with on_a_terminal(PROGRAM, "--config", configuration, *ASKING, folder) as (process, ours):
        read_until(ours, b"password of the authority's key (none: empty): ")
        os.write(ours, b"\x04")
        told = read_until(ours, None)
        os.close(ours)
    assert process.returncode == 2
    assert told.strip().startswith(b"domain-secure: no password was typed: the terminal: ")
    assert not folder.exists()


def test_a_window_that_is_closed_ends_the_command(configuration: Path, tmp_path: Path) -> None:
    """While it asks for a password: by SIGHUP, or by the end of input, and nothing is made."""
    folder = tmp_path / "authority"
    with on_a_terminal(PROGRAM, "--config", configuration, *ASKING, folder) as (process, ours):
        read_until(ours, b"password of the authority's key (none: empty): ")
        os.close(ours)
    # The kernel wakes whoever reads from the terminal before it sends the signal.
    assert process.returncode in {-signal.SIGHUP, 2}
    assert not folder.exists()
