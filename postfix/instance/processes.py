"""Starting a program and hearing all it says.

Owns: the environment Postfix's programs get (locale C, the system's paths, no MAIL_CONFIG), the time
limit, and the reading of their stderr.
Must not know: what any program is asked.
"""

import errno
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem

# A table may be a database or a directory server, which take their time before they fail.
TIMEOUT = 60
SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_COMPILED = (".db", ".lmdb", ".cdb")  #: DATABASE_README: what postmap(1) adds to a name
_PROGRAM_NAME = re.compile(r"^(?:post[a-z]+(?:/[\w-]+)?: )+(?:warning: |fatal: |error: )?")


def run(command: Sequence[str], text: str = "", *, longer: float = 0) -> subprocess.CompletedProcess[str]:
    """Run *command* with *text* as its input, for `TIMEOUT` and *longer* seconds at most.

    Bytes that are not UTF-8 survive as surrogates.
    """
    with _told_to_the_operator(command):
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=_environment(),
            timeout=TIMEOUT + longer,
            check=False,
        )


def lines_of(command: Sequence[str], place: str) -> Iterator[str]:
    """Yield the lines *command* writes, without holding all of them; raises Problem when it complains."""
    with _told_to_the_operator(command), tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            errors="surrogateescape",
            env=_environment(),
        ) as process:
            for line in process.stdout or ():
                yield line.rstrip("\n")
        complaints.seek(0)
        said = complaints.read().decode(errors="surrogateescape")
    if process.returncode != 0:
        if is_forbidden(said):
            raise NoPermission(last_line(said), place)
        raise Problem(
            last_line(said) or f"{command[0]} ended with status {process.returncode}",
            place,
            "mend the table; until then Postfix defers what needs it",
            ExitStatus.NO_ANSWER,
        )


def run_on_terminal(command: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Run *command* with a terminal as its stderr; return its status and what it wrote there, by lines.

    Postfix's scripts speak through postlog(1), which "logs to stderr" only "if attached to a terminal".
    """
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as stream:
        try:
            with _told_to_the_operator(command):
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=theirs,
                    env=_environment(),
                )
        finally:
            os.close(theirs)
        written = b""
        with suppress(OSError):  # Linux ends a terminal nobody holds any more with EIO
            while chunk := stream.read(4096):
                written += chunk
        status = process.wait()
    lines = written.decode(errors="surrogateescape").splitlines()
    return status, tuple(line for line in lines if line.strip())


def file_of(program: str) -> str | None:
    """Return the file that `run` starts for *program*; None where there is none."""
    return shutil.which(program, path=_environment()["PATH"])


def warnings(stderr: str) -> tuple[str, ...]:
    """Return each line of *stderr* once, without the program's name in front."""
    lines = (line for line in stderr.splitlines() if line.strip())
    return tuple(dict.fromkeys(_PROGRAM_NAME.sub("", line) for line in lines))


def last_line(stderr: str) -> str:
    """Return the last line of *stderr*, the reason a program gave up; empty when it gave none."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    return _PROGRAM_NAME.sub("", lines[-1]) if lines else ""


def _environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "MAIL_CONFIG"}
    path = [place for place in environment.get("PATH", "/usr/bin:/bin").split(":") if place]
    environment["PATH"] = ":".join(dict.fromkeys([*path, *SYSTEM_PATHS]))
    environment["LC_ALL"] = "C"
    return environment


def is_forbidden(said: str) -> bool:
    """Tell whether a program failed because whoever runs it may not see what it needs; root may."""
    return os.geteuid() != 0 and os.strerror(errno.EACCES) in said


@contextmanager
def _told_to_the_operator(command: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Problem(
            f"{command[0]} was not found",
            f"PATH={_environment()['PATH']}",
            "install Postfix",
            ExitStatus.NO_ANSWER,
        ) from error
    except OSError as error:
        raise Problem(
            f"{command[0]} cannot be run ({error.strerror})",
            " ".join(command),
            "run this command as root"
            if isinstance(error, PermissionError)
            else "see what the machine is short of, then run this again",
            ExitStatus.NO_ANSWER,
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Problem(
            f"{command[0]} did not end within {error.timeout:g} s",
            " ".join(command),
            "run it by hand and see what it waits for",
            ExitStatus.NO_ANSWER,
        ) from error


def refuse_pipe(table: str) -> None:
    """Raise Problem for a table whose file is a pipe: Postfix's programs would wait for somebody to write."""
    name = table.partition(":")[2]
    for path in (f"{name}{suffix}" for suffix in ("", *_COMPILED) if name.startswith("/")):
        with suppress(OSError, ValueError):
            if stat.S_ISFIFO(Path(path).stat().st_mode):
                raise Problem("the table is a pipe", path, "find out who put it there, and remove it")
