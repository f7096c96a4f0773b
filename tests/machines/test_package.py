"""The life of the Debian package on this machine: installed, set up, upgraded under mail, removed, purged.

``DOMAIN_SECURE_PACKAGES`` names a folder with two packages of one version and different revisions
(``./dev deb`` and ``./dev deb --revision 2``); whatever they depend on is installed.  The tests build on one
another, in their order; the first one begins by purging what an earlier run has left.
"""

import itertools
import os
import re
import smtplib
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cmp_to_key
from pathlib import Path
from typing import Self

import pytest
from booted_machine import CONFIGURATION, MAIN_CF, OTHER, OURS, PARTNER, UNIT, USER, Machine, run, wait_for

PACKAGE = "postfix-domain-secure"
CLIENTS = {"partner": 4, "forged": 2, "stranger": 4, "ours": 10}
MESSAGES_A_SECOND = 3  #: of each client: 30 in each direction
POSTFIX = Path("/etc/postfix")
MAILBOX = Path("/var/mail") / USER
#: What programs write that have nothing to do with us, and what this test itself brings along.
ELSEWHERE = ("/dev", "/proc", "/run", "/sys", "/tmp", "/root", "/var/cache", "/var/log", "/var/mail", "/home")
ELSEWHERE_TOO = ("/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/timers", "/var/spool/postfix", "/var/tmp")


def version(path: Path) -> str:
    """Return the version of a package file."""
    return run("dpkg-deb", "--field", path, "Version").stdout.strip()


def is_newer(a: str, b: str) -> bool:
    """Tell whether dpkg takes *a* for the later version."""
    return run("dpkg", "--compare-versions", a, "gt", b, check=False).returncode == 0


def apt(*arguments: str | Path) -> str:
    """Run apt-get as a script would, and return what it said."""
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    done = run("apt-get", "-q", "-y", "--no-install-recommends", *arguments)
    return done.stdout + done.stderr


def files() -> set[str]:
    """Return every file, folder and socket of the machine except where others write all the time."""
    prune = [word for place in (*ELSEWHERE, *ELSEWHERE_TOO) for word in ("-path", place, "-o")][:-1]
    found = run("find", "/", "-xdev", "(", *prune, ")", "-prune", "-o", "-print").stdout.splitlines()
    # Of Postfix's queue the messages come and go, the folders do not.
    queue = run("find", "/var/spool/postfix", "-name", "*domain-secure*").stdout.splitlines()
    return {*found, *queue, *run("getent", "passwd").stdout.splitlines()}


def configuration() -> dict[str, tuple[bytes, int]]:
    """Return the content and the mode of Postfix's files."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mode) for path in POSTFIX.iterdir() if path.is_file()
    }


def send(sender: str, recipient: str, mark: str) -> int:
    """Send one message to port 25 from this machine itself, and return the reply."""
    try:
        with smtplib.SMTP("127.0.0.1", 25, timeout=60) as client:
            text = f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {mark}\r\n\r\nbody\r\n"
            client.sendmail(sender, recipient, text)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    return 250


@dataclass
class Life:
    """What was there before the package, and the two packages."""

    packages: list[Path]
    files: set[str] = field(default_factory=files)
    configuration: dict[str, tuple[bytes, int]] = field(default_factory=configuration)


@pytest.fixture(scope="module")
def life() -> Life:
    """A machine with a Postfix that works and nothing of ours."""
    packages = Path(os.environ.get("DOMAIN_SECURE_PACKAGES", "/root/packages")).glob(f"{PACKAGE}_*.deb")
    ordered = sorted(packages, key=cmp_to_key(lambda a, b: 1 if is_newer(version(a), version(b)) else -1))
    assert len(ordered) == 2, "two packages of different revisions"
    run("dpkg", "--purge", PACKAGE)
    if run("id", USER, check=False).returncode != 0:
        run("useradd", "--create-home", USER)
    if not (POSTFIX / "main.cf").exists():
        run("cp", "/usr/share/postfix/main.cf.debian", POSTFIX / "main.cf")
    for name, value in MAIN_CF.items():
        run("postconf", "-e", f"{name} = {value}")
    run("systemctl", "restart", "postfix")
    wait_for(lambda: send(f"user@{OTHER}", f"{USER}@{OURS}", "before") == 250, "Postfix to take mail")
    return Life(ordered)


@pytest.fixture(scope="module")
def machine(life: Life) -> Iterator[Machine]:
    """The machine with the older package installed and set up, as the README has it."""
    assert run("domain-secure", "--version").stdout.startswith("domain-secure ")
    assert life.packages
    with Machine.set_up() as machine:
        machine.wait_until_it_answers()
        yield machine


def test_installing_starts_the_daemon_and_changes_nothing_in_postfix(life: Life) -> None:
    """The daemon runs, Postfix's files are untouched, and mail goes on as before."""
    said = apt("install", life.packages[0])
    assert configuration() == life.configuration
    assert run("systemctl", "is-active", UNIT).stdout.strip() == "active"
    assert run("systemctl", "is-enabled", UNIT).stdout.strip() == "enabled"
    assert send(f"user@{OTHER}", f"{USER}@{OURS}", "installed") == 250
    assert "not attached" in run("domain-secure", "detach", "--all").stdout
    assert "rror" not in said
    assert CONFIGURATION.read_bytes() == Path(f"/usr/share/{PACKAGE}/domain-secure.toml").read_bytes()
    assert CONFIGURATION.stat().st_mode & 0o777 == 0o644
    for name in ("man1/domain-secure.1", "man5/domain-secure.toml.5", "man8/domain-secure-serve.8"):
        assert (Path("/usr/share/man") / f"{name}.gz").exists()


def test_it_is_set_up_in_the_order_of_the_readme(machine: Machine) -> None:
    """The partner's mail is marked, a stranger in its name is refused, and our mail leaves verified."""
    assert machine.send(PARTNER, certified=True, mark="set-up") == 250
    assert f"X-Domain-Secure: pass ({PARTNER};" in machine.delivered("set-up")
    assert machine.send(PARTNER, certified=False) == 550
    machine.send_out("set-up-out")
    wait_for(lambda: "set-up-out" in str(machine.server.messages), "our message to arrive")


class Stream:
    """Mail at a steady rate in both directions, until it is stopped."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.stopped = threading.Event()
        self.replies: dict[str, tuple[str, int]] = {}  #: by subject: the kind of message, the last reply
        self.deferred = Counter[str]()
        self._threads = [
            threading.Thread(target=self._run, args=(kind, number))
            for kind, clients in CLIENTS.items()
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, when each message that was begun has its reply."""
        self.stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kind: str, client: int) -> None:
        begin = time.monotonic()
        for number in itertools.count():
            if self.stopped.wait(max(0.0, begin + number / MESSAGES_A_SECOND - time.monotonic())):
                return
            mark = f"{kind}-{client}-{number}-{os.getpid()}"
            code = self._send(kind, mark)
            # A mail server tries again what was deferred; here at once, and until it is decided.
            while 400 <= code < 500:
                self.deferred[kind] += 1
                code = self._send(kind, mark)
            self.replies[mark] = (kind, code)

    def _send(self, kind: str, mark: str) -> int:
        if kind == "ours":
            return send(f"{USER}@{OURS}", f"user@{PARTNER}", mark)
        domain = OTHER if kind == "stranger" else PARTNER
        return self.machine.send(domain, certified=kind == "partner", mark=mark)


def received() -> dict[str, list[str]]:
    """Return the headers of the messages in our user's mailbox by their subject."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"(?m)^From ", MAILBOX.read_text(errors="replace")):
        header = part.partition("\n\n")[0]
        if subject := re.search(r"(?m)^Subject: (.*)$", header):
            found.setdefault(subject[1], []).append(header)
    return found


def test_an_upgrade_under_a_stream_loses_and_mistreats_no_message(life: Life, machine: Machine) -> None:
    """Each message is delivered once, marked where it must be, and no other; the newer daemon runs."""
    before = run("systemctl", "show", "--value", "--property=MainPID", UNIT).stdout
    edited = CONFIGURATION.read_text()
    with Stream(machine) as stream:
        began = time.monotonic()
        wait_for(lambda: len(stream.replies) > 100, "the stream to flow")
        apt("install", life.packages[1])
        there = len(stream.replies)
        wait_for(lambda: len(stream.replies) > there + 300, "the stream to flow on")
        rate = len(stream.replies) / (time.monotonic() - began)
    print(f"{rate:.0f} messages a second, {sum(stream.deferred.values())} deferred")
    assert run("systemctl", "show", "--value", "--property=MainPID", UNIT).stdout != before
    assert run("dpkg-query", "-W", "-f=${Version}", PACKAGE).stdout == version(life.packages[1])
    assert CONFIGURATION.read_text() == edited
    wrong = {
        mark: code
        for mark, (kind, code) in stream.replies.items()
        if code != (550 if kind == "forged" else 250)
    }
    assert wrong == {}
    kinds = {mark: kind for mark, (kind, _) in stream.replies.items()}
    inbound = {mark for mark, kind in kinds.items() if kind in {"partner", "stranger"}}
    wait_for(lambda: inbound <= set(received()), "every message to be in the mailbox")
    for mark, headers in received().items():
        if mark in kinds:
            assert len(headers) == 1, f"{mark} was delivered {len(headers)} times"
            assert ("X-Domain-Secure: pass" in headers[0]) == (kinds[mark] == "partner"), headers[0]
            assert kinds[mark] != "forged"
    outbound = {mark for mark, kind in kinds.items() if kind == "ours"}

    def sent() -> Counter[str]:
        subjects = (re.search(r"(?m)^Subject: (\S+)", text) for _, text in list(machine.server.messages))
        return Counter(found[1] for found in subjects if found and found[1] in outbound)

    wait_for(lambda: set(sent()) == outbound, "every message to reach the partner")
    assert set(sent().values()) == {1}
    assert {name for name, _ in machine.server.messages} == {f"mail.{OURS}"}
    assert stream.deferred == Counter(), "an upgrade makes nobody wait"


def test_removing_detaches_first(life: Life, machine: Machine) -> None:
    """Postfix's files are as before, byte for byte; mail is taken without us; the configuration stays."""
    machine.server.close()
    apt("remove", PACKAGE)
    assert configuration() == life.configuration
    assert send(f"user@{OTHER}", f"{USER}@{OURS}", "removed") == 250
    assert not run("find", "/var/spool/postfix", "-name", "*domain-secure*").stdout
    assert run("systemctl", "is-active", UNIT, check=False).stdout.strip() == "inactive"
    assert CONFIGURATION.exists()


def test_purging_leaves_nothing(life: Life) -> None:
    """Each file, folder, socket and user is as before the first installation."""
    apt("purge", PACKAGE)
    run("systemctl", "daemon-reload")
    assert files() ^ life.files == set()


def test_removal_stops_where_postfix_cannot_be_detached(life: Life) -> None:
    """A faulty configuration that hides what is attached keeps the package; mended, it goes."""
    apt("install", life.packages[1])
    run("domain-secure", "receive", "add", PARTNER)
    run("domain-secure", "attach")
    sound = CONFIGURATION.read_text()
    CONFIGURATION.write_text("[receive\n")
    done = subprocess.run(
        ["apt-get", "-q", "-y", "remove", PACKAGE], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "domain-secure.toml:1" in done.stdout + done.stderr
    assert Path("/usr/bin/domain-secure").exists()
    CONFIGURATION.write_text(sound)
    apt("purge", PACKAGE)
    assert configuration() == life.configuration
