"""Names in a finding that many share."""

from collections.abc import Iterable

NAMED = 3  #: domains named in a finding that many share


def enumerated(entries: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    names = list(entries)
    named = ", ".join(names[:NAMED])
    return named if len(names) <= NAMED else f"{named} and {len(names) - NAMED} more"
