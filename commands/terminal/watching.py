"""Look at something again and again: one screen that is renewed on a terminal, page after page elsewhere.

Owns: the loop, the screen, and its end: Ctrl-C is how one leaves, and no failure.
Must not know: what is looked at.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import datetime

LEAST_SECONDS = 0.2
_MOST_SECONDS = 86400.0


def seconds(text: str) -> float:
    """Return a time between looks, for argparse."""
    value = float(text)
    if not LEAST_SECONDS <= value <= _MOST_SECONDS:  # also refuses nan
        raise argparse.ArgumentTypeError(f"{text} is not between {LEAST_SECONDS:g} and {_MOST_SECONDS:g}")
    return value


def count(text: str) -> int:
    """Return a number of looks, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("look at least once")
    return value


def watch(show: Callable[[], object], pause: float, looks: int | None = None) -> None:
    """Call *show*, which prints, every *pause* seconds: *looks* times, or until somebody presses Ctrl-C."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A terminal that knows no block characters gets question marks.
        stream.reconfigure(errors="replace")
    try:
        if stream.isatty():
            _on_screen(show, pause, looks)
        else:
            _on_paper(show, pause, looks)
    except KeyboardInterrupt:
        return


def _on_paper(show: Callable[[], object], pause: float, looks: int | None) -> None:
    while True:
        print(f"-- {datetime.now().astimezone().isoformat(sep=' ', timespec='seconds')}")
        show()
        sys.stdout.flush()
        looks = looks and looks - 1
        if looks == 0:
            return
        time.sleep(pause)


def _on_screen(show: Callable[[], object], pause: float, looks: int | None) -> None:
    # Costs 50 ms to import, so only where somebody looks.
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            lines = _captured(show).splitlines()
            room = console.height - 1
            if len(lines) > room:
                lines = [*lines[: room - 1], "… make the window larger to see more"]
            lines.append(f"every {pause:g} s · Ctrl-C ends")
            live.update(Text.from_ansi("\n".join(lines)), refresh=True)
            looks = looks and looks - 1
            if looks == 0:
                return
            time.sleep(pause)


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _captured(show: Callable[[], object]) -> str:
    with redirect_stdout(_Screen()) as captured:
        show()
    return captured.getvalue()
