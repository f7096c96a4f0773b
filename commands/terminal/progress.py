"""A progress bar for long work: on a terminal only, and not before the work has taken two seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

SECONDS = 2.0

#: Told what is being done, how much of it is done (None: unknown), and how much there is.
Report = Callable[[str, int | None, int], None]


@contextmanager
def progress() -> Iterator[Report | None]:
    """Yield what the work reports to; None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    # Costs 50 ms to import, so only where somebody looks.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        # It can draw nothing over what it has drawn.
        yield None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("", total=None)

    def report(what: str, done: int | None, total: int) -> None:
        bar.update(task, description=what, completed=done or 0, total=None if done is None else total)

    timer = Timer(SECONDS, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
