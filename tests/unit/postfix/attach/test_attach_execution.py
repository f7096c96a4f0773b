"""Carrying a plan out: the way back, and a kill at any moment.

Postfix's script is stood in for by one that complains, fails or kills when it is told to; postconf is real.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from attach_place import STOCK_MASTER, Place

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach import attach_record
from domain_secure.postfix.attach.attach_execution import Outcome, execute
from domain_secure.postfix.attach.attachment import MAIN, MASTER, Request, plan_attach, plan_detach

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

# $3 is the command; what it does for the first, second, … check or reload is written in a file a call.
SCRIPT = """\
#!/bin/sh
echo "$3" >>{folder}/calls
number=$(grep -c "^$3$" {folder}/calls)
if [ -e {folder}/$3.$number ]; then . {folder}/$3.$number; fi
exit 0
"""


class Script:
    """The stand-in for postfix(1)."""

    def __init__(self, place: Place) -> None:
        self.folder = place.folder
        self.bin = place.folder / "bin"
        self.bin.mkdir()
        self._write(self.bin / "postfix", SCRIPT.format(folder=self.folder))

    def at(self, command: str, number: int, action: str) -> None:
        """Let the *number*-th call of a command do something."""
        (self.folder / f"{command}.{number}").write_text(f"{action}\n")

    def pretend_to_run(self, place: Place) -> None:
        """Let the instance look as if its master process ran: master(8) -t ends with status 1 then."""
        (place.folder / "queue" / "pid").mkdir()
        (place.folder / "queue" / "pid" / "master.pid").touch()
        self._write(self.bin / "master", "#!/bin/sh\nexit 1\n")
        place.stock_main += f"daemon_directory = {self.bin}\n".encode()
        place.write(place.stock_main)

    def calls(self) -> list[str]:
        """Return what was called."""
        path = self.folder / "calls"
        return path.read_text().split() if path.exists() else []

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def script(place: Place, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Return the stand-in, first on the path."""
    made = Script(place)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    return made


def attach(place: Place) -> Outcome:
    outcome = execute(plan_attach(place.configuration, place.instance, Request()), place.instance)
    place.write()
    return outcome


def detach(place: Place) -> Outcome:
    outcome = execute(plan_detach(place.configuration, place.instance, Request()), place.instance)
    place.write()
    return outcome


def test_files_keep_mode_owner_and_link(place: Place, script: Script) -> None:
    """A file under configuration management stays a link to what it linked to, with its mode."""
    elsewhere = place.folder / "elsewhere.cf"
    (place.directory / MAIN).rename(elsewhere)
    (place.directory / MAIN).symlink_to(elsewhere)
    elsewhere.chmod(0o640)
    assert attach(place) == Outcome((MASTER, MAIN), reloaded=False)
    assert (place.directory / MAIN).is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert b"domain-secure" in elsewhere.read_bytes()
    assert detach(place).changed == (MAIN, MASTER)
    assert elsewhere.read_bytes() == place.stock_main
    assert script.calls() == ["check"] * 4


def test_nothing_to_do_disturbs_nobody(place: Place, script: Script) -> None:
    """Neither files nor a running Postfix are touched where nothing changes."""
    script.pretend_to_run(place)
    assert attach(place) == Outcome((MASTER, MAIN), reloaded=True)
    assert script.calls() == ["check", "check", "reload"]
    assert attach(place) == Outcome((), reloaded=False)
    detach(place)
    assert detach(place) == Outcome((), reloaded=False)
    assert script.calls() == ["check", "check", "reload"] * 2


def test_a_complaint_that_was_there_before_is_none_of_ours(place: Place, script: Script) -> None:
    """Many a Postfix has something to complain of for years."""
    for number in (1, 2):
        script.at("check", number, "echo 'postfix/postfix-script: warning: old' >&2")
    assert attach(place).changed


@pytest.mark.parametrize(
    ("command", "number", "action", "reason"),
    [
        ("check", 2, "echo 'postfix/postfix-script: warning: new' >&2", "postfix check: new"),
        ("check", 2, "exit 1", "ended with status 1"),
        (
            "reload",
            1,
            "echo 'postfix/postfix-script: fatal: no' >&2; exit 1",
            "no (the former files are back)",
        ),
    ],
)
def test_what_postfix_does_not_like_is_taken_back(
    place: Place, script: Script, command: str, number: int, action: str, reason: str
) -> None:
    """The files are as they were, and so is the record; a running Postfix is told again."""
    script.pretend_to_run(place)
    before = place.files
    script.at(command, number, action)
    with pytest.raises(Problem) as raised:
        attach(place)
    assert reason in str(raised.value)
    assert place.files == before
    assert not place.record_path.exists()
    assert script.calls()[-1] == "reload"
    place.write()
    assert attach(place).changed


def test_a_detach_postfix_does_not_like_is_taken_back(place: Place, script: Script) -> None:
    """The record of the attach stays."""
    attach(place)
    attached, record = place.files, attach_record.read(place.record_path)
    script.at("check", 4, "exit 1")
    with pytest.raises(Problem, match="former files are back"):
        detach(place)
    assert place.files == attached
    assert attach_record.read(place.record_path) == record


def linked(place: Place) -> Path:
    """Move main.cf into a folder of its own and leave a link."""
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    (place.directory / MAIN).rename(elsewhere / MAIN)
    (place.directory / MAIN).symlink_to(elsewhere / MAIN)
    return elsewhere


def test_a_file_that_cannot_be_replaced_leaves_the_other_as_it_was(place: Place, script: Script) -> None:
    """main.cf comes second, and what it links to is gone when its turn comes."""
    elsewhere = linked(place)
    script.at("check", 2, f"mv {elsewhere} {elsewhere}.moved; exit 1")
    with pytest.raises(Problem, match=r"main\.cf could not be put back"):
        attach(place)
    assert (place.directory / MASTER).read_bytes() == STOCK_MASTER
    Path(f"{elsewhere}.moved").rename(elsewhere)
    place.write()
    detach(place)
    assert place.files == {MAIN: place.stock_main, MASTER: STOCK_MASTER}


def test_a_file_that_was_changed_meanwhile_is_left_alone(place: Place, script: Script) -> None:
    """Tables of many lines take their time, and somebody may edit a file while they are made."""
    script.at("check", 1, f"echo 'new = 1' >>{place.directory}/main.cf")
    with pytest.raises(Problem, match="changed by somebody else"):
        attach(place)
    assert place.files == {MAIN: place.stock_main + b"new = 1\n", MASTER: STOCK_MASTER}
    assert not place.record_path.exists()


ATTACH = """\
import sys
from pathlib import Path
from domain_secure.commands.main import main
sys.exit(main(["--config", sys.argv[1], sys.argv[2]]))
"""


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("next_step", [attach, detach])
def test_killed_attach_is_mended(place: Place, script: Script, number: int, next_step: object) -> None:
    """Killed before or after the files were replaced, the next step goes on from there."""
    before = place.files
    expected = plan_attach(place.configuration, place.instance, Request()).after
    script.at("check", number, "kill -9 $PPID")
    configuration = place.folder / "domain-secure.toml"
    configuration.write_text(
        '[send]\ndomains = ["woodgrovebank.test"]\n'
        f'[trust]\nca_file = "{place.configuration.trust.ca_file}"\n'
        f'[paths]\nstate = "{place.configuration.state}"\n[postfix]\nconfig_directory = "{place.directory}"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", ATTACH, str(configuration), "attach"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    place.write()
    assert place.files == (before if number == 1 else dict(expected))
    assert callable(next_step)
    next_step(place)
    assert place.files == (dict(expected) if next_step is attach else before)
