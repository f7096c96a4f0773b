"""What ``domain-secure`` starts with: from here on Ctrl-C ends it in silence, however little is imported yet.

Must not do: import anything else of ours before that is settled.
"""

import gc
import os
import resource
import signal
from contextlib import suppress


def main() -> int:
    """Run the command line and return its exit status; see ``main``.

    While modules are imported and after the command has ended, an interrupt ends the process at once: raised
    as an exception there, it would be printed, or swallowed, wherever the interpreter happens to be.  The
    command itself is interrupted by KeyboardInterrupt, and can tidy up.
    """
    # Keys and passphrases are in this memory.  A file of it would lie about for whoever reads that folder.
    with suppress(OSError, ValueError):  # where a unit allows no such call, it has LimitCORE=0
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whoever starts a job in the background has interrupts ignored, and that stays.
    is_interruptible = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    if is_interruptible:
        signal.signal(signal.SIGINT, _end)
    # Imports make much that stays: to look through it for garbage takes a twentieth of the start.
    gc.disable()
    from .main import INTERRUPTED  # noqa: PLC0415
    from .main import main as run_command  # noqa: PLC0415

    def before_run() -> None:
        gc.enable()
        if is_interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        return run_command(before_run=before_run)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.enable()
        if is_interruptible:
            signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> None:
    os._exit(128 + signal.SIGINT)
