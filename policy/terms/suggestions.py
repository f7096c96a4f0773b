"""What somebody may have meant who wrote a word or a domain that we do not know.

Owns: how near is near enough to be offered.
Must not know: where the words come from, and how a person is asked.
"""

import string
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from .domain import Domain, Entry, entry_base, lies_under
from .lists import DomainList

_LETTERS = string.ascii_lowercase + string.digits + "-."
_COMPARED = 5_000  #: entries that are compared one by one; in a longer list one slip is found by look-up


def nearest(written: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like *written*, capitals and ``_`` for ``-`` aside, or None."""
    by_form = {_form(word): word for word in known}
    close = _close(_form(written), by_form)
    return by_form[close[0]] if close else None


def _close(written: str, known: Iterable[str], least: float = 0.6) -> list[str]:
    """Return the one of *known* that is like *written* by *least*, of 1, or none."""
    try:
        # No command that is understood needs it.
        from difflib import get_close_matches  # noqa: PLC0415
    except OSError:
        return []  # without a free descriptor the message goes without a proposal
    return get_close_matches(written, known, n=1, cutoff=least)


def did_you_mean(found: str | None) -> str:
    """Return the question that is put behind a message, or nothing where there is nothing to ask."""
    return f"; did you mean {found}?" if found else ""


def nearest_entry(entry: Entry, lists: Collection[DomainList]) -> Entry | None:
    """Return the entry of *lists* that may have been meant by *entry*, which stands on none; or None.

    An entry that covers it comes first, then one that differs by a wildcard, or by a host's name in front,
    then a slip of the finger.
    """
    for candidate in _related(entry):
        if any(candidate in one for one in lists):
            return candidate
    base = entry_base(entry)
    wildcard = "*." if entry.startswith("*.") else ""
    for slip in _slips(base):
        if any(Entry(f"{wildcard}{slip}") in one for one in lists):
            return Entry(f"{wildcard}{slip}")
    known = {one: None for listed in lists for one in islice(listed, _COMPARED)}
    below = next((one for one in known if lies_under(entry_base(one), base)), None)
    close = _close(entry, known, 0.75)
    return below or (Entry(close[0]) if close else None)


def _related(entry: Entry) -> Iterator[Entry]:
    base: str = entry_base(entry)
    yield Entry(f"*.{base}")
    yield Entry(base)
    while "." in base:
        base = base.split(".", 1)[1]
        yield Entry(f"*.{base}")
        yield Entry(base)


def _slips(domain: Domain) -> Iterator[str]:
    """Yield what becomes of a domain by one letter more, less, other, or in its neighbour's place."""
    for place in range(len(domain) + 1):
        before, after = domain[:place], domain[place:]
        yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after[1:]
            yield before + letter + after


def _form(word: str) -> str:
    return word.lower().replace("_", "-")
