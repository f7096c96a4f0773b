"""Standard output and standard error as whoever starts us left them: closed, full, or of a poorer locale.

Owns: that a command can print wherever it was started from, and that the interpreter's end adds no words.
"""

import io
import os
import sys
from pathlib import Path


def prepare() -> None:
    """Let the command print wherever it was started from.

    A closed stream (``>&-``) is opened on nothing: a file of ours that got its number would be written
    over by a message.  A character that the locale lacks becomes a question mark.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python leaves None where a stream was closed at the start; typeshed does not know.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Open for as long as the process is.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def settle() -> None:
    """Write what is left to write, and drop what nobody takes.

    The interpreter writes once more at its end, and would tell of a failure in a traceback and by a status
    of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
