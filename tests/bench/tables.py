"""The tables for Postfix: how long they take to build from a long list, beside postmap(1) alone.

The ratio shows what the product adds to postmap: reading the list, checking every entry, writing the lines
and reading the tables back.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scratch_postfix import make_scratch

from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import map_type

from .measurement import Measurement, Usage, usage_of

PART = "tables"
GOAL = "<= 1.2"
MORE_GOAL = "<= 1 s"

PROGRAM = Path(sys.executable).with_name("domain-secure")
_TABLES = ("tls_policy", "transport")


def measure(domains: int, rounds: int) -> list[Measurement]:
    """Return seconds and MiB of ``generate`` for *domains* new domains, then with nothing to do."""
    first, again, more, plain = [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generate = (PROGRAM, "--config", _configuration(folder, domains), "generate")
            first.append(usage_of(*generate))
            again.append(usage_of(*generate))
            # The patterns, of the first of a long list, are made anew where the change is among them.
            with (folder / "send.domains").open("a") as stream:
                stream.write("one-more.test\n")
            more.append(usage_of(*generate))
            plain.append(_plain_postmap(folder))
    return [
        *_measurements(f"postmap of the same {domains:,} domains", plain),
        *_against(f"generate, {domains:,} new domains", first, plain, GOAL),
        *_against("generate, nothing to do", again, plain),
        *_against("generate, one more", more, plain, goal_of_elapsed=MORE_GOAL),
    ]


def _measurements(what: str, usages: Sequence[Usage]) -> tuple[Measurement, ...]:
    return (
        Measurement(PART, f"{what}: elapsed", "s", tuple(usage.wall for usage in usages)),
        Measurement(PART, f"{what}: processor", "s", tuple(usage.processor for usage in usages)),
        Measurement(PART, f"{what}: peak memory", "MiB", tuple(usage.peak for usage in usages)),
    )


def _against(
    what: str, usages: Sequence[Usage], plain: Sequence[Usage], goal: str = "", *, goal_of_elapsed: str = ""
) -> list[Measurement]:
    """Return the same beside postmap alone, with a *goal* for time elapsed and processor time."""
    elapsed, processor, peak = (
        one.against(reference, called="postmap")
        for one, reference in zip(_measurements(what, usages), _measurements("", plain), strict=True)
    )
    return [replace(elapsed, goal=goal_of_elapsed or goal), replace(processor, goal=goal), peak]


def _configuration(folder: Path, domains: int) -> Path:
    make_scratch(folder)
    # Postfix programs read a file that is younger than a second twice, a second apart.
    os.utime(folder / "postfix/main.cf", (0, 0))
    with (folder / "send.domains").open("w") as stream:
        stream.writelines(f"partner-{number:07d}.test\n" for number in range(domains))
    path = folder / "domain-secure.toml"
    path.write_text(
        f"""\
[send]
domains_file = "send.domains"
[postfix]
config_directory = "{folder}/postfix"
[paths]
state = "{folder}/state"
"""
    )
    return path


def _plain_postmap(folder: Path) -> Usage:
    """Let postmap compile copies of the source texts that ``generate`` left."""
    copies = folder / "copies"
    copies.mkdir()
    for table in _TABLES:
        shutil.copyfile(folder / "state/maps" / table, copies / table)
    kind = map_type(PostfixInstance(folder / "postfix"))
    tables = [f"{kind}:{copies / table}" for table in _TABLES]
    return usage_of("postmap", "-c", folder / "postfix", *tables)
