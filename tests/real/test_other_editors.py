"""``attach``, ``detach`` and ``check --fix`` on files that others have edited, edit now, or left behind."""

import fcntl
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from scratch_postfix import Scratch, make_scratch

from domain_secure.postfix.instance import main_cf

from lab.waiting import wait_for

pytestmark = pytest.mark.real

LISTED = (
    '[send]\ndomains = ["woodgrovebank.test"]\n[receive]\ndomains = ["woodgrovebank.test"]\n'
    '[trust]\nca_file = "{folder}/chain.pem"\n'
)
DUPLICATES = {
    "somebody else's": "biff = no\nbiff = yes\n",
    "thrice": "biff = no\nbiff = yes\nbiff = no\n",
    "routes": "transport_maps = inline:{{a.test=smtp:}}\ntransport_maps = inline:{{b.test=smtp:}}\n",
    "policies": "smtp_tls_policy_maps = static:may\nsmtp_tls_policy_maps =\n    static:none\n# the end\n",
    "an empty last one": "transport_maps = inline:{{a.test=smtp:}}\ntransport_maps =\n",
    "inbound lists": "smtpd_milters = inet:127.0.0.1:1\nsmtpd_data_restrictions = permit\nsmtpd_milters =\n",
    "apart, without a last newline": "biff = no\nsmtpd_banner = $myhostname\n\nbiff = yes",
}


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """Return a configuration that attach has nothing against."""
    made = make_scratch(tmp_path)
    (tmp_path / "chain.pem").touch()
    made.configure(LISTED.format(folder=tmp_path))
    made.set(f"smtpd_tls_chain_files = {tmp_path}/chain.pem", "smtpd_tls_security_level = may")
    return made


def files(scratch: Scratch) -> dict[str, bytes]:
    """Return what is in every file beside main.cf."""
    return {path.name: path.read_bytes() for path in (scratch.folder / "postfix").iterdir()}


@pytest.mark.parametrize(("case", "young"), [("somebody else's", False), ("routes", False), ("routes", True)])
def test_an_overridden_entry_keeps_nothing_from_being_done(
    scratch: Scratch, case: str, capsys: pytest.CaptureFixture[str], *, young: bool
) -> None:
    """The entry that acts is edited, the others are left, and detach gives every byte back."""
    main = scratch.folder / "postfix" / "main.cf"
    main.write_text(main.read_text() + DUPLICATES[case].format())
    before = files(scratch)
    overridden = [entry.line.text for entry in main_cf.entries(before["main.cf"])]
    if not young:
        scratch.age()
    assert scratch.run("attach") == 0, capsys.readouterr().err
    for name in ("transport_maps", "smtp_tls_policy_maps"):
        assert scratch.instance.parameter(name).split(", ")[0].endswith(f"/{_TABLES[name]}")
    kept = [entry.line.text for entry in main_cf.entries(main.read_bytes())]
    changed = [line for line in overridden if line not in kept]
    assert len(changed) <= 2
    scratch.age()
    main.write_bytes(main.read_bytes().replace(str(scratch.maps).encode(), b"/nowhere"))
    scratch.run("check", "--fix", "--yes")
    assert scratch.instance.parameter("transport_maps").split(", ")[0].endswith("maps/recipient_transport")
    main.write_bytes(main.read_bytes().replace(b"/nowhere", str(scratch.maps).encode()))
    assert scratch.run("detach") == 0, capsys.readouterr().err


_TABLES = {"transport_maps": "recipient_transport", "smtp_tls_policy_maps": "tls_policy"}


@pytest.mark.parametrize("case", list(DUPLICATES))
def test_detach_gives_back_files_with_overridden_entries(scratch: Scratch, case: str) -> None:
    """Byte for byte, whichever entry was edited."""
    main = scratch.folder / "postfix" / "main.cf"
    main.write_text(main.read_text() + DUPLICATES[case].format())
    scratch.age()
    before = files(scratch)
    assert scratch.run("attach") == 0
    assert files(scratch) != before
    assert scratch.run("attach") == 0
    assert scratch.run("detach") == 0
    assert files(scratch) == before


def test_detach_is_not_kept_by_what_postfix_only_warns_of(scratch: Scratch) -> None:
    """What comes back may be what Postfix warns of: here an entry that ours took the place of."""
    assert scratch.run("attach") == 0
    main = scratch.folder / "postfix" / "main.cf"
    record = next((scratch.state / "attach").glob("*.json"))
    # As if it had been there before attach: the record is root's own, and says what detach gives back.
    record.write_text(
        record.read_text().replace("relay_domains =\\n", "relay_domains =\\nrelay_domains =\\n", 1)
    )
    scratch.age()
    assert scratch.run("detach") == 0
    assert main.read_bytes().count(b"relay_domains =") == 2


def test_an_edit_by_postconf_and_ours_wait_for_each_other(scratch: Scratch) -> None:
    """While postconf -e holds its lock, attach waits; what was set in between is not lost."""
    main = scratch.folder / "postfix" / "main.cf"
    with (main.with_name("main.cf.tmp")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        attach = start(scratch, "attach")
        wait_for(lambda: waits_for(attach, main.with_name("main.cf.tmp")), "attach to wait for the lock")
        assert b"domain-secure" not in main.read_bytes()
        # What postconf does: its temporary file takes the place of main.cf.
        lock.write(main.read_text() + "biff = no\n")
        lock.flush()
        Path(lock.name).rename(main)
    assert attach.wait() == 2
    assert main.read_text().endswith("biff = no\n")
    assert not main.with_name("main.cf.tmp").exists()
    scratch.age()
    assert scratch.run("attach") == 0
    assert b"biff = no\n" in main.read_bytes()


def test_nothing_of_a_killed_attach_stays_after_the_next(scratch: Scratch) -> None:
    """Killed at any moment, the next run leaves no file of ours; what others put there stays."""
    folder = scratch.folder / "postfix"
    (folder / ".main.cf.abcdefgh").write_text("an editor's")
    (folder / "main.cf.tmp.bak").write_text("a person's")
    before = files(scratch)
    for number in range(4):
        attach = start(scratch, "attach")
        stop_at = 0.3 * (number + 1)
        with suppress(subprocess.TimeoutExpired):
            attach.wait(stop_at)
        attach.send_signal(signal.SIGKILL)
        attach.wait()
    # What is left by a kill between two system calls, whether or not one of these kills has hit it.
    (folder / ".main.cf.domain-secure-12345678").write_text("half of main.c")
    (folder / "main.cf.tmp").touch(mode=0o600)
    scratch.age()
    assert scratch.run("attach") == 0
    assert scratch.run("detach") == 0
    assert files(scratch) == before


FULL = """\
set -e
cp -a "$1" "$1.kept"
mount -t tmpfs -o size=64k tmpfs "$1"
cp -a "$1.kept/." "$1"
dd if=/dev/zero of="$1/filling" 2>/dev/null || true
shift
exec "$@"
"""


def test_a_full_disk_is_called_a_full_disk(scratch: Scratch) -> None:
    """It helps nobody to become root who is root; nothing is changed."""
    program = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "--config", str(scratch.configuration), "attach"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", FULL, "sh", str(scratch.folder / "postfix"), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "make room" in done.stderr
    assert "root" not in done.stderr.replace(str(scratch.folder), "")


def start(scratch: Scratch, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command line as a process of its own."""
    program = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, "--config", str(scratch.configuration), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def waits_for(process: subprocess.Popen[bytes], path: Path) -> bool:
    """Tell whether a process has a file open."""
    try:
        return any(one.samefile(path) for one in Path(f"/proc/{process.pid}/fd").iterdir() if one.exists())
    except FileNotFoundError:
        return False
