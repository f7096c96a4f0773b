"""What two states of the fleet's policy differ in, for people."""

import difflib
from collections.abc import Iterator

from domain_secure.commands.terminal.common import add_to_document
from domain_secure.policy.configuration.shared_policy import POLICY, SharedPolicy

_SHOWN = 200  #: lines


def print_difference(former: SharedPolicy, present: SharedPolicy, names: tuple[str, str]) -> bool:
    """Print what *present* has and *former* has not, and the other way round; returns whether they differ."""
    lines = list(_lines(former, present, names))
    add_to_document({"difference": lines})
    for line in lines[:_SHOWN]:
        print(line)
    if len(lines) > _SHOWN:
        print(f"and {len(lines) - _SHOWN} more lines")
    return bool(lines)


def _lines(former: SharedPolicy, present: SharedPolicy, names: tuple[str, str]) -> Iterator[str]:
    before, after = former.texts, present.texts
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, b""), after.get(name, b"")
        if old == new:
            continue
        one, other = (f"{title}: {name}" for title in names)
        if name == POLICY:
            yield from difflib.unified_diff(_split(old), _split(new), one, other, lineterm="")
        else:  # a list of a million lines: its order says nothing
            yield f"--- {one}"
            yield f"+++ {other}"
            old_lines, new_lines = set(_split(old)), set(_split(new))
            yield from (f"-{line}" for line in sorted(old_lines - new_lines))
            yield from (f"+{line}" for line in sorted(new_lines - old_lines))


def _split(text: bytes) -> list[str]:
    return text.decode(errors="replace").splitlines()
