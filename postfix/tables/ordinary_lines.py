"""The lines of entries that no rule speaks of, which are nearly all of a long list.

Owns: which entries these are, and the texts that stand before, between and behind their names.
Must not know: which tables there are, and what the lines of other entries say.
Relies on: such lines being alike but for the name.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry

_AT_ONCE = 1_000  #: entries that are looked at together
_NAME = Entry("name.invalid")  #: RFC 2606 section 2: nobody's


class Ordinary:
    """Tells ordinary entries of *configuration* from others: no wildcards, not internationalised, no rule."""

    def __init__(self, configuration: Configuration) -> None:
        rules = configuration.partners
        self._special = frozenset(rules) | configuration.sent_unproved
        self._below = tuple(key[1:] for key in rules if key.startswith("*."))
        self._internationalised = configuration.send.has_internationalised

    def runs(self, entries: Iterable[Entry]) -> Iterator[tuple[list[Entry], bool]]:
        """Yield *entries* in runs, in their order, and of each run whether all in it are ordinary.

        Of a run of which that is not said some may be.
        """
        left = iter(entries)
        while run := list(islice(left, _AT_ONCE)):
            text = "\n".join([*run, ""])
            yield (
                run,
                self._special.isdisjoint(run)
                and "*" not in text
                and not any(f"{below}\n" in text for below in self._below)
                and not (self._internationalised and "xn--" in text),
            )

    def has(self, entry: Entry) -> bool:
        """Tell whether the entry's lines are as everybody's."""
        return not (
            entry in self._special
            or entry[0] == "*"
            or (self._below and entry.endswith(self._below))
            or (self._internationalised and "xn--" in entry)
        )


def line_parts(line_of: Callable[[Entry], str]) -> list[str]:
    """Return what stands around a name in its line, so that ``name.join(parts)`` is the line."""
    return line_of(_NAME).split(_NAME)
