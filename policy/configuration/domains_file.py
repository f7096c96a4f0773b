"""The file behind ``domains_file``: one list entry a line.

Owns: its grammar.  Blank lines and everything behind ``#`` mean nothing.
"""

import re
from collections.abc import Container

from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_entry


def read_entries(content: bytes) -> tuple[list[Entry], list[tuple[int, str]]]:
    """Return the entries in order, and for each faulty line its number, from 1, and the fault."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], [(content.count(b"\n", 0, error.start) + 1, "the line is not UTF-8")]
    entries: list[Entry] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if written := _without_comment(line):
            try:
                entries.append(parse_entry(written))
            except InvalidDomainError as error:
                faults.append((number, str(error)))
    return entries, faults


def remove_entries(content: bytes, removed: Container[Entry]) -> bytes:
    """Return *content*, which must be free of faults, without the lines of *removed*."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", content.decode("utf-8"))
    return "".join(line for line in lines if not _stands_for(line, removed)).encode()


def _stands_for(line: str, removed: Container[Entry]) -> bool:
    written = _without_comment(line.removeprefix("\ufeff"))
    return bool(written) and parse_entry(written) in removed


def _without_comment(line: str) -> str:
    return line.partition("#")[0].strip()
