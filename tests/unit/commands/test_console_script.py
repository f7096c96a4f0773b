"""What an installed ``domain-secure`` does when Ctrl-C reaches it, from its first import to its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("domain-secure")
# Read by the interpreter before anything of ours: an interrupt that arrives with one certain import.
HOOK = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

if os.environ["INTERRUPT_AT"] == "site":
    os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A configuration, beside what interrupts whoever reads it."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    path = tmp_path / "x.toml"
    path.write_text(f'[receive]\ndomains = ["a.test"]\n[paths]\nstate = "{tmp_path}"\n')
    return path


def interrupted(
    module: str,
    configuration: Path,
    *arguments: str,
    before: tuple[str, ...] = (),
    stdout: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run the command, with an interrupt at the import of a module."""
    return subprocess.run(
        [*before, PROGRAM, "--config", configuration, *arguments],
        env=os.environ | {"PYTHONPATH": str(configuration.parent), "INTERRUPT_AT": module},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "module",
    [
        "site",
        "domain_secure.commands",
        "domain_secure.commands.console_script",
        "domain_secure.commands.main",
        "argparse",
        "domain_secure.commands.lists",
        "domain_secure.policy.configuration.configuration",
        "tomllib",
    ],
)
def test_an_interrupt_while_modules_are_imported(module: str, configuration: Path) -> None:
    """However early it arrives, the status is 130 and nothing is said."""
    done = interrupted(module, configuration, "receive", "list")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_while_the_command_runs(configuration: Path) -> None:
    """A running command ends the same way: here where it imports what only the text of a report needs."""
    done = interrupted("domain_secure.commands.report.report_plain", configuration, "report")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_running_command_can_tidy_up(configuration: Path) -> None:
    """An interrupt of a running command is an exception: by it one leaves ``top``, and that is no failure."""
    ours, terminal = os.openpty()
    try:
        done = interrupted("rich.live", configuration, "top", stdout=terminal)
    finally:
        os.close(terminal)
        os.close(ours)
    assert (done.returncode, done.stderr) == (0, "")


def test_who_ignores_interrupts_is_not_ended(configuration: Path) -> None:
    """A job in the background, for which its shell had interrupts ignored, goes on."""
    ignoring = ("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    done = interrupted("argparse", configuration, "receive", "list", before=ignoring)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a.test\n", "")


def test_no_command_leaves_its_memory_in_a_file(configuration: Path) -> None:
    """Even where whoever starts it allows files of any length: a key is in it."""
    # Read by the interpreter before anything of ours; the limit is looked up when the command has run.
    hook = (
        "import atexit, resource\natexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_CORE)))\n"
    )
    (configuration.parent / "sitecustomize.py").write_text(hook)
    done = subprocess.run(
        ["prlimit", "--core=1000000:1000000", PROGRAM, "--config", configuration, "receive", "list"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(configuration.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "(0, 0)"


_LOOKED_FOR = """
import gc, sys
from domain_secure.commands import console_script, main
main._run = lambda arguments, answer: print(gc.isenabled()) or 0
sys.argv = ["domain-secure", "receive", "list"]
sys.exit(console_script.main())
"""


def test_garbage_is_looked_for_while_a_command_runs() -> None:
    """Imports go without, and what runs does not: the daemon runs for months."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _LOOKED_FOR], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout == "True\n"
