"""The protocol log in a real systemd journal, in a mount namespace of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

JOURNALD = Path("/lib/systemd/systemd-journald")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not JOURNALD.exists() or not shutil.which("systemd-cat"), reason="systemd-journald is not installed"
    ),
]

_ALONE = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
_SCRIPT = """\
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
"$1" &
journald=$!
trap 'kill $journald' EXIT
while [ ! -S /run/systemd/journal/stdout ]; do :; done
systemd-cat "$2" -c "$3"
journalctl --directory=/run/log/journal --sync >/dev/null 2>&1 || kill -RTMIN+1 $journald
while ! journalctl --directory=/run/log/journal --grep=the-end -q >/dev/null 2>&1; do :; done
journalctl --directory=/run/log/journal -o json --no-pager SYSLOG_IDENTIFIER=domain-secure
"""

# systemd-cat does not say JOURNAL_STREAM as the service manager does.
_DAEMON = """\
import logging, os, sys
status = os.fstat(sys.stderr.fileno())
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
from domain_secure.milter.journal import log_handler
from domain_secure.policy.events import Event
logger = logging.getLogger("domain_secure")
logger.addHandler(log_handler())
event = Event.of(logging.WARNING, "decision", verdict="no-tls", domain="a.test", detail="first\\nsecond")
logger.log(event.level, event)
large = Event.of(logging.WARNING, "large", detail="x" * 1000000)
logger.log(large.level, large)
last = Event.of(logging.WARNING, "the-end")
logger.log(last.level, last)
"""


def test_fields_and_once() -> None:
    """A decision is in the journal once, and can be asked for by its fields."""
    done = subprocess.run(
        [*_ALONE, "sh", "-c", _SCRIPT, "sh", JOURNALD, sys.executable, _DAEMON],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    (decision,) = [one for one in entries if one.get("DOMAIN_SECURE_EVENT") == "decision"]
    assert decision["MESSAGE"] == 'decision verdict=no-tls domain=a.test detail="first\\nsecond"'
    assert decision["DOMAIN_SECURE_VERDICT"] == "no-tls"
    assert decision["DOMAIN_SECURE_DOMAIN"] == "a.test"
    assert decision["DOMAIN_SECURE_DETAIL"] == "first\nsecond"
    assert decision["PRIORITY"] == "4"
    assert sum("verdict=no-tls" in str(one["MESSAGE"]) for one in entries) == 1
