"""Which programs the units start: each of them works within their restrictions.

Wrappers in front of the PATH note what is started, and how it ended where it failed.
"""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from booted_machine import (
    METRICS,
    OTHER,
    PARTNER,
    SETTINGS,
    STATE,
    UNIT,
    Machine,
    run,
    wait_for,
)

CHECK, GIVE_UP = "domain-secure-check.service", "domain-secure-give-up.service"
GENERATE = "domain-secure-generate.service"
WRAPPERS = Path("/opt/wrappers")
RECORDED = STATE / "programs"  #: which root and the daemon's user may write
_SENT = f'[send]\ndomains = ["{PARTNER}"]'
RUNTIME = Path("/run/systemd/system")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What may be started at all, besides Postfix's own.
OTHERS = ("journalctl", "systemctl", "sendmail", "openssl", "logger", "kill", "rsyslogd", "zcat")
# A lookup that finds nothing ends with 1; journalctl goes on until it is killed.
WRAPPER = f"""\
#!/bin/sh
PATH={SYSTEM_PATH}
name=${{0##*/}}
echo "$name $*" >>{RECORDED}
[ "$name" != journalctl ] || exec "$name" "$@"
"$name" "$@"
status=$?
case "$status $name $*" in
0* | "1 postmap "*" -q "*) ;;
*) echo "failed $status $name $*" >>{RECORDED} ;;
esac
exit $status
"""


@pytest.fixture(scope="module")
def recorded(installed: Machine) -> Iterator[Machine]:
    """Return the machine, with every unit's programs noted down."""
    WRAPPERS.mkdir(exist_ok=True)
    names = {path.name for folder in ("/usr/sbin", "/usr/bin") for path in Path(folder).glob("post*")}
    for name in {*names, *OTHERS}:
        if shutil.which(name, path=SYSTEM_PATH):
            (WRAPPERS / name).write_text(WRAPPER)
            (WRAPPERS / name).chmod(0o755)
    with _noting(UNIT, CHECK, GIVE_UP):
        yield installed
    run("systemctl", "restart", UNIT)


@contextmanager
def _noting(*units: str) -> Iterator[None]:
    """Let what units start from now on be noted down."""
    drop_ins = [RUNTIME / f"{unit}.d" / "programs.conf" for unit in units]
    for drop_in in drop_ins:
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(f"[Service]\nEnvironment=PATH={WRAPPERS}:{SYSTEM_PATH}\n")
    run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        for drop_in in drop_ins:
            drop_in.unlink()
        run("systemctl", "daemon-reload")


@pytest.fixture
def programs(recorded: Machine) -> Iterator[Machine]:
    """Return the machine with nothing noted yet; in the end nothing may have failed."""
    recorded.restore()
    RECORDED.write_text("")
    shutil.chown(RECORDED, "domain-secure", "domain-secure")
    yield recorded
    assert [line for line in _lines() if line.startswith("failed ")] == []


def test_the_daemon(programs: Machine) -> None:
    """From its start, through a changed list, to the examination that its page shows."""
    end = programs.cursor()
    run("systemctl", "restart", UNIT)
    programs.configure(SETTINGS.replace(_SENT, f'[send]\ndomains = ["{PARTNER}", "{OTHER}"]'))
    wait_for(lambda: "maps-published" in programs.journal(after=end), "the tables to be made")
    wait_for(lambda: "as the daemon's user" in _page(), "check to have run for the page")
    assert _started() == {"journalctl", "postconf", "postmap"}
    assert any(line.startswith("postmap ") and " -q " not in line for line in _lines()), "a table is compiled"
    assert any(line.startswith("postmap ") and " -q " in line for line in _lines()), "and asked"


def test_check(programs: Machine) -> None:
    """As root, with what the daemon's user may not see."""
    wait_for(lambda: programs.metric("domain_secure_selfproof") == 1, "our own port 25 to be proved")
    programs.settle()
    RECORDED.write_text("")
    run("systemctl", "start", CHECK)
    assert _started() == {"journalctl", "postconf", "postmap"}


def test_generate(programs: Machine) -> None:
    """As root, because the daemon asked: Postfix is examined and reloaded."""
    with _noting(GENERATE):
        programs.configure(SETTINGS.replace(_SENT, f'[send]\ndomains = ["{PARTNER}", "{OTHER}"]'))
        wait_for(lambda: "postfix" in _started(), "Postfix to be reloaded")
        wait_for(lambda: programs.state(GENERATE) == "inactive", "the unit to end well")
    assert _started() <= {"journalctl", "postconf", "postfix", "postkick", "postmap"}


def test_give_up(programs: Machine) -> None:
    """Postfix lists its queue, and lets a message go back."""
    programs.configure(SETTINGS.replace("[trust]", '[outbound]\ngive_up = "1s"\n[trust]'))
    programs.server.close()
    try:
        programs.send_out(str(uuid4()))
        wait_for(lambda: _overdue() > 0, "the message to have waited too long")
        RECORDED.write_text("")
        run("systemctl", "start", GIVE_UP)
        assert _started() >= {"postqueue", "postsuper"}
        assert _started() <= {"postconf", "postqueue", "postsuper"}
    finally:
        programs.server.open()


def _lines() -> list[str]:
    return RECORDED.read_text().splitlines()


def _started() -> set[str]:
    return {line.split()[0] for line in _lines()}


def _page() -> str:
    with urllib.request.urlopen(METRICS.removesuffix("metrics"), timeout=60) as page:  # noqa: S310 - http
        return str(page.read().decode())


def _overdue() -> int:
    return len(json.loads(run("domain-secure", "give-up", "--dry-run", "--json").stdout)["returned"])
