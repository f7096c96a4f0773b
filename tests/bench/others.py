"""What people would run instead, each on a port of its own of Contoso's Postfix.

Owns: how each is configured, as its package has it but for what would keep it from looking at our load, which
comes from the loopback interface; who is not installed is named.  All but rspamd listen on unix sockets, as
ours does.  The load has no signatures for OpenDKIM to verify, and policyd-spf looks up nothing for the
loopback
interface, whatever is set: these are their cheapest cases.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.laboratory import Lab
from lab.namespaces import InnerProcess
from lab.neighbours import Neighbour, rspamd
from lab.waiting import wait_for

#: Without any of these nothing is compared; what else is missing is left out.
PROGRAMS = ("cc",)
NO_MILTER, C_MILTER, END_ONLY, PYMILTER = (
    "no milter",
    "C milter",
    "C milter, end only",
    "pymilter, does nothing",
)
OPENDKIM = "OpenDKIM, verifying"

_FOLDER = Path("bench")  #: below the queue directory, where a chrooted smtpd looks
_C_SOURCE = Path(__file__).with_name("noop_milter.c")
_PYMILTER_SOURCE = Path(__file__).with_name("noop_pymilter.py")
_SYSTEM_PYTHON = "/usr/bin/python3"
_OPENDKIM = """\
Syslog no
Mode v
UserID opendkim
"""
_SPF = """\
debugLevel = 0
TestOnly = 1
HELO_reject = Fail
Mail_From_reject = Fail
PermError_reject = False
TempError_Defer = False
skip_addresses = 198.51.100.0/24
"""
_PYSPF_MILTER = f"""\
{_SPF}PidFile = /run/pyspf-milter/pyspf-milter.pid
UserID = pyspf-milter
InternalHosts = 198.51.100.1
"""
_POLICYD = "policyd-spf/unix=policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/policyd-spf"
_ASKING_POLICYD = "check_policy_service,unix:private/policyd-spf,reject_unauth_destination"


@dataclass(frozen=True, slots=True)
class Other:
    """One of them: what it is called, its port, and its process, where it is one."""

    what: str
    port: int
    pid: int | None = None


def missing() -> dict[str, str]:
    """Return who cannot be compared here, and why."""
    looked_for = {
        PYMILTER: (_PYMILTER_SOURCE, "python3-milter"),
        OPENDKIM: ("opendkim", "opendkim"),
        "pyspf-milter": ("pyspf-milter", "pyspf-milter"),
        "policyd-spf": ("policyd-spf", "postfix-policyd-spf-python"),
        "rspamd": ("rspamd", "rspamd"),
    }
    return {
        what: f"not installed: {package}"
        for what, (program, package) in looked_for.items()
        if not (_has_pymilter() if what == PYMILTER else shutil.which(program))
    }


def _has_pymilter() -> bool:
    found = subprocess.run([_SYSTEM_PYTHON, "-P", "-c", "import Milter"], capture_output=True, check=False)
    return found.returncode == 0


@contextmanager
def started(lab: Lab, *, is_quick: bool) -> Iterator[tuple[Other, ...]]:
    """Start whoever is installed, and give each a port; Postfix must be reloaded afterwards.

    Who is left out is told on standard error.  rspamd, which takes long to start, is in the long form alone.
    """
    left_out = missing()
    if is_quick:
        left_out["rspamd"] = "this is the short form"
    with ExitStack() as stack:
        _service(lab, 2601)
        made = [Other(NO_MILTER, 2601)]
        socket_folder = lab.namespaces.outside(lab.contoso.layout.queue / _FOLDER)
        socket_folder.mkdir()
        socket_folder.chmod(0o777)  # each runs as a user of its own
        program = _compiled(stack)
        made.append(_at_socket(lab, Other(C_MILTER, 2602), program))
        made.append(_at_socket(lab, Other(END_ONLY, 2603), program, "end"))
        if PYMILTER not in left_out:
            made.append(_at_socket(lab, Other(PYMILTER, 2604), _SYSTEM_PYTHON, script=_PYMILTER_SOURCE))
        starts: tuple[tuple[str, Callable[[Lab, int], int | None]], ...] = (
            (OPENDKIM, _opendkim),
            ("pyspf-milter", _pyspf_milter),
            ("policyd-spf", _policyd_spf),
            ("rspamd", _rspamd),
        )
        for port, (what, start) in enumerate(starts, start=2605):
            if what in left_out:
                continue
            try:
                made.append(Other(what, port, start(lab, port)))
            except TimeoutError as error:
                left_out[what] = f"does not start: {error}".splitlines()[0]
        for what, reason in left_out.items():
            print(f"bench: {what} is not compared: {reason}", file=sys.stderr)
        yield tuple(made)


def _service(lab: Lab, port: int, milter: str = "", restrictions: str = "") -> None:
    options = f"-o smtpd_milters={milter} -o smtpd_data_restrictions="
    if restrictions:
        options += f" -o smtpd_recipient_restrictions={restrictions}"
    service = f"{port}/inet={port} inet n - y - - smtpd {options}"
    lab.namespaces.run("postconf", "-c", lab.contoso.layout.configuration, "-M", service)


def _compiled(stack: ExitStack) -> Path:
    program = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "noop_milter"
    subprocess.run(["cc", "-O2", "-o", program, _C_SOURCE, "-lmilter"], check=True)
    return program


def _at_socket(lab: Lab, other: Other, program: str | Path, *more: str, script: Path | None = None) -> Other:
    socket = _socket(lab, other.port)
    arguments = ([script] if script else []) + [f"unix:{socket}", *more]
    process: InnerProcess = lab.namespaces.start(program, *arguments)
    wait_for(lab.namespaces.outside(socket).is_socket, f"the socket of {other.what}")
    _service(lab, other.port, f"unix:{_FOLDER / str(other.port)}")
    return Other(other.what, other.port, process.pid)


def _beside(lab: Lab, port: int, *command: str, user: str, folders: Sequence[str]) -> int | None:
    """Start a program that listens in our folder, and return its process id."""
    socket = lab.namespaces.outside(_socket(lab, port))
    made = Neighbour(lab.namespaces, command, user=user, folders=folders, ports=(), is_root=True)
    made.start()
    wait_for(socket.is_socket, f"the socket of {command[0]}", context=made.output)
    socket.chmod(0o666)
    _service(lab, port, f"unix:{_FOLDER / str(port)}")
    return made.pid


def _opendkim(lab: Lab, port: int) -> int | None:
    text = f"{_OPENDKIM}Socket local:{_socket(lab, port)}\n"
    lab.namespaces.outside("/etc/opendkim.conf").write_text(text)
    command = ("opendkim", "-f", "-x", "/etc/opendkim.conf")
    return _beside(lab, port, *command, user="opendkim", folders=("/run/opendkim",))


def _pyspf_milter(lab: Lab, port: int) -> int | None:
    path = "/etc/pyspf-milter/pyspf-milter.conf"
    lab.namespaces.outside(path).write_text(f"{_PYSPF_MILTER}Socket = local:{_socket(lab, port)}\n")
    return _beside(lab, port, "pyspf-milter", path, user="pyspf-milter", folders=("/run/pyspf-milter",))


def _policyd_spf(lab: Lab, port: int) -> None:
    lab.namespaces.outside("/etc/postfix-policyd-spf-python/policyd-spf.conf").write_text(_SPF)
    lab.namespaces.run("postconf", "-c", lab.contoso.layout.configuration, "-M", _POLICYD)
    _service(lab, port, restrictions=_ASKING_POLICYD)


def _rspamd(lab: Lab, port: int) -> None:
    rspamd(lab.namespaces).start()  # several processes
    _service(lab, port, "inet:127.0.0.1:11332")


def _socket(lab: Lab, port: int) -> Path:
    return lab.contoso.layout.queue / _FOLDER / str(port)
