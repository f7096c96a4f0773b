"""A command on a terminal inside the laboratory: what a person sees, his answers included.

Owns: the terminal, its width, and that an answer is typed only once the question is there.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .namespaces import LabError, Namespaces, environment

COLUMNS = 100
_QUESTION = re.compile(rb"\[y/n/q\] $")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Screen:
    """What was on the terminal in the end, and how the command ended."""

    text: str
    status: int


def on_terminal(namespaces: Namespaces, *command: str | Path, answers: Sequence[str] = ()) -> Screen:
    """Run a command inside on a terminal, and give each of its questions the next of *answers*.

    Raises LabError for a question too many, or an answer that nobody asked for.
    """
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [*namespaces.entry, *map(str, command)],
        stdin=far,
        stdout=far,
        stderr=far,
        env=environment({"TERM": "dumb"}),
        start_new_session=True,
    )
    os.close(far)
    left, seen = list(answers), b""
    try:
        while octets := _read(near):
            seen += octets
            if _QUESTION.search(seen):
                if not left:
                    raise LabError(f"it asks once more:\n{seen.decode(errors='replace')}")
                os.write(near, f"{left.pop(0)}\n".encode())
        status = process.wait()
    finally:
        os.close(near)
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
    text = _CONTROL.sub("", seen.decode(errors="replace")).replace("\r\n", "\n")
    if left:
        raise LabError(f"it did not ask for {left}:\n{text}")
    return Screen(text, status)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux: the other side is closed
        return b""
