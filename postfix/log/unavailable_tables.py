"""Who of Postfix's processes says in the log that it could not open a table of ours.

Owns: the two forms of that line, and the look at the end of the log.
Must not know: what follows from it.
It says so once when it starts, and again for each question that the table was needed for.
Source, and measured: Postfix's dict_open.c and dict_surrogate.c (3.7).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import Process
from domain_secure.postfix.log_lines.log_line import LINE, decoded
from domain_secure.postfix.tables.publication import FOLDER

from .log_location import log_location

_SAID = re.compile(
    rb"error: open (?:database )?(?P<file>/\S+): |warning: \w+:(?P<table>/\S+) is unavailable\. "
)

Named = tuple[str, int]  #: a process by program and process id


def without_tables(lines: Sequence[bytes], state: Path) -> frozenset[Named]:
    """Return which processes say that a table of ours, below *state*, cannot be opened."""
    folder = bytes(state / FOLDER) + b"/"
    # Nearly always there is nothing, and one search is far cheaper than one a line.
    if folder not in b"\n".join(lines):
        return frozenset()
    return frozenset(_named(lines, folder))


def _named(lines: Iterable[bytes], folder: bytes) -> Iterable[Named]:
    for line in lines:
        if folder in line and (header := LINE.match(line)):
            said = _SAID.match(line, header.end())
            if said and (said["file"] or said["table"]).startswith(folder):
                yield decoded(header["program"]), int(header["pid"])


def still_without(
    configuration: Configuration, instance: PostfixInstance, running: Collection[Process]
) -> tuple[Process, ...]:
    """Return who among *running* says so near the end of the log; raises Problem where that is unreadable."""
    with closing(log_location(configuration, instance).open(None)) as source:
        said = without_tables(source.read().lines, configuration.state)
    return tuple(one for one in running if (one.program, one.pid) in said)
