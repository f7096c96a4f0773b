"""The demonstration: plays the story on real Postfix and shows what happened.

Run by ``./dev demo``.  Exit status: 0 when everything went as it must, 1 when not, 130 when it was stopped.
"""

import argparse
import os
import signal
import sys
import textwrap
import time
from contextlib import suppress
from subprocess import TimeoutExpired

from rich.console import Console
from rich.text import Text

from .laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from .namespaces import LabError
from .product import COMMAND, CONFIGURATION, LOG, Product
from .story import COUNTERS, SCENES, Outcome, Scene
from .waiting import wait_for

_MARGIN = 3
_STYLES = dict.fromkeys(("reply", "mark", "their view"), "cyan") | {"verdict": "bold"}
_OF_LINES = "domain_secure_log_lines"
_STOPPED = 128 + signal.SIGINT
#: What a part that does not play along raises.
_FAILURES = (LabError, TimeoutError, TimeoutExpired, EOFError, OSError)


def main() -> int:
    """Play the story; return the exit status."""
    parser = argparse.ArgumentParser(prog="./dev demo", description="Play the story on real Postfix.")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    console = Console(highlight=False, soft_wrap=True)
    # Set for SIGINT too: a shell starts what runs in the background with that signal ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(console, keep=arguments.keep)
    except KeyboardInterrupt:
        console.print("\nstopped; nothing stays behind")
        return _STOPPED


def _run(console: Console, *, keep: bool) -> int:
    started = time.monotonic()
    try:
        with Lab() as lab:
            product = Product(lab)
            _introduce(console, lab, product)
            unexpected = _play(console, lab, product)
            _conclude(console, unexpected, time.monotonic() - started)
            if keep:
                _keep(console, lab)
    except _FAILURES as error:
        console.print(Text(f"demo: {error}", "bold red"))
        return 1
    return 1 if unexpected else 0


def _introduce(console: Console, lab: Lab, product: Product) -> None:
    console.print(Text("Three mail servers on a private network", "bold"))
    version = lab.contoso.parameter("mail_version")
    for domain, what in (
        (CONTOSO, f"Postfix {version} with Debian's own main.cf; domain-secure is attached to it"),
        (WOODGROVE, "a partner, on both of Contoso's lists"),
        (EVIL, "a stranger, with a valid certificate for its own name"),
    ):
        _line(console, f"{domain:<20}{ADDRESSES[domain]:<15}", what)
    console.print()
    product.install(WOODGROVE)


def _play(console: Console, lab: Lab, product: Product) -> int:
    """Play all scenes, show them and the counters, and return how many went otherwise."""
    unexpected = 0
    for number, scene in enumerate(SCENES, 1):
        console.print(Text(f"{number}. {scene.title}", "bold"))
        outcome = _outcome(scene, lab, product)
        _show(console, scene, outcome)
        unexpected += not outcome.is_as_expected
    unexpected += _show_counters(console, _settled_counters(product))
    _show_log(console, product)
    return unexpected


def _settled_counters(product: Product) -> dict[str, float]:
    """Return the counters, once what Postfix logged last is among them."""

    def settled() -> bool:
        found = _counters(product)
        return all(found.get(name) == value for name, value in COUNTERS.items())

    with suppress(TimeoutError):
        wait_for(settled, "the counters")
    return _counters(product)


def _counters(product: Product) -> dict[str, float]:
    return {
        name: value
        for name, value in product.metrics().items()
        if name.split("{")[0].endswith("_total") and not name.startswith(_OF_LINES)
    }


def _show_log(console: Console, product: Product) -> None:
    """Show the protocol log, once the last deferral is in it."""
    console.print(Text("The same, as `domain-secure log show` tells it", "bold"))

    def written() -> bool:
        return "deferred" in product.command("log", "show", "send").stdout

    with suppress(TimeoutError):
        wait_for(written, "the protocol log")
    for line in product.command("log", "show").stdout.splitlines():
        console.print(Text(f"   {line}"))
    console.print()


def _outcome(scene: Scene, lab: Lab, product: Product) -> Outcome:
    try:
        return scene.play(lab, product)
    except _FAILURES as error:
        return Outcome(scene.title, "none", (("failure", str(error)),), is_as_expected=False)


def _show(console: Console, scene: Scene, outcome: Outcome) -> None:
    lines = [
        ("sent", outcome.sent),
        ("verdict", outcome.verdict),
        *outcome.seen,
        ("expected", scene.expected),
    ]
    for label, text in lines:
        _line(console, f"{label:<11}", text, _STYLES.get(label, ""))
    console.print(_judgement(as_expected=outcome.is_as_expected), "\n", sep="")


def _line(console: Console, label: str, text: str, style: str = "") -> None:
    """Show a labelled text; on a terminal its further lines stand below its first."""
    indent = _MARGIN + len(label)
    lines = [text]
    if console.is_terminal:
        width = max(console.width - indent, 20)
        lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        before = f"{'':<{_MARGIN}}{label}" if number == 0 else " " * indent
        console.print(Text.assemble(before, (line, style)))


def _judgement(*, as_expected: bool) -> Text:
    return Text("   ok", "green") if as_expected else Text("   NOT AS EXPECTED", "bold red")


def _show_counters(console: Console, counters: dict[str, float]) -> int:
    """Show the counters; return 1 when one of them is not what the story makes it."""
    console.print(Text("The counters, from http://127.0.0.1:9797/metrics", "bold"))
    for name in sorted(counters.keys() | COUNTERS.keys()):
        value, expected = counters.get(name, 0.0), COUNTERS.get(name, 0.0)
        wrong = "" if value == expected else f"   expected {expected:g}"
        console.print(Text.assemble(f"   {value:3g}  {name}", (wrong, "bold red")))
    as_expected = all(counters.get(name, 0.0) == COUNTERS.get(name, 0.0) for name in counters | COUNTERS)
    console.print(_judgement(as_expected=as_expected), "\n", sep="")
    return 0 if as_expected else 1


def _conclude(console: Console, unexpected: int, seconds: float) -> None:
    if unexpected:
        console.print(Text(f"{unexpected} of {len(SCENES) + 1} NOT AS EXPECTED", "bold red"))
    else:
        console.print(Text(f"everything as expected, in {seconds:.1f} s", "bold green"))


def _keep(console: Console, lab: Lab) -> None:
    """Say how to look around, and wait to be stopped."""
    enter = f"nsenter -t {lab.namespaces.pid} -n -m -p -u -i"
    command = f"{COMMAND} --config {CONFIGURATION}"
    logs = (lab.contoso.layout.log, LOG, lab.woodgrove.layout.log, lab.evil.layout.log)
    console.print(
        "\nEverything keeps running.  To look around, as root in another terminal:\n"
        f"   {enter} bash\n"
        "and there\n"
        f"   {command} status\n"
        f"   {command} check\n"
        f"   {command} receive list\n"
        f"   tail -f {' '.join(map(str, logs))}\n"
        f"   ls {lab.contoso.layout.mail}/inbox/new\n"
        "   postqueue -p; postqueue -f     Woodgrove is itself again: what waits is delivered\n"
        f"To stop: Ctrl-C here, or kill {os.getpid()}",
        markup=False,
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("\nstopped; nothing stays behind")


if __name__ == "__main__":
    sys.exit(main())
