"""What ``postfix check`` says, by its meaning.

Owns: reading one complaint: how bad it is, and what it is about wherever it stands.
Source: postfix(1), and the programs it runs, which write ``program: warning: text``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PROGRAMS = r"(?:(?:/\S+/)?post[a-z]+(?:/[\w-]+)?: )+"
_FORM = re.compile(rf"(?:{_PROGRAMS})?(?:(?P<severity>warning|error|fatal|panic): )?(?P<text>.*)", re.DOTALL)
_GRAVE = frozenset({"error", "fatal", "panic"})
# Which line it is changes with every edit above it, and the value of a setting with every edit of it.
_PLACE = re.compile(r"\S+/(?P<file>main|master)\.cf(?:, line|: line|:) ?\d+")
_OVERRIDDEN = re.compile(r"(overriding earlier entry: [^=\s]+)\s*=.*", re.DOTALL)
# Since Postfix 3.9; the second line names where to read on.
_OUTDATED = re.compile(r'support for \S+ "[^"]+" will be removed|^See \S+/DEPRECATION_README\b')


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint."""

    text: str  #: for a person
    is_grave: bool = False  #: Postfix gives up for it; all else it only warns of

    @property
    def meaning(self) -> str:
        """Return what stays the same when lines move and a file is read twice."""
        return _OVERRIDDEN.sub(r"\1", _PLACE.sub(r"\g<file>.cf", self.text))

    @property
    def is_about_a_later_release(self) -> bool:
        """Tell whether this Postfix does as it is told, and only says that a later one will not."""
        return not self.is_grave and _OUTDATED.search(self.text) is not None


def complaints(lines: Iterable[str]) -> tuple[Complaint, ...]:
    """Return what *lines* say, each meaning once."""
    found: dict[str, Complaint] = {}
    for line in lines:
        match = _FORM.fullmatch(line)
        if match is not None and match["text"].strip():
            complaint = Complaint(match["text"], is_grave=match["severity"] in _GRAVE)
            found.setdefault(complaint.meaning, complaint)
    return tuple(found.values())
