"""A counter that outlives the daemon, as a rule by list entry, of which there may be tens of thousands.

Owns: the numbers, and their text in the exposition format; a line is made once and only its number is written
anew, because the client library takes half a second for what a large edge shows at each scrape.
Must not know: what is counted, where sums are kept.
Invariant: label values come from the lists and from enumerations; a series appears with its first event.
Source: Prometheus, "Exposition formats", text format 0.0.4.
"""

import threading
from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class EntryCounter:
    """Counts by *labels*, of which the first is the list entry if one is; *name* is without ``_total``."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...]) -> None:
        self.name = name
        self.labels = labels
        self._head = f"# HELP {name}_total {documentation}\n# TYPE {name}_total counter\n"
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, ...], str] = {}
        self._counts: dict[tuple[str, ...], int] = {}
        self._grown: set[tuple[str, ...]] = set()

    def inc(self, *values: str, amount: int = 1) -> None:
        """Count *amount* more events of the series with these label values."""
        with self._lock:
            if values not in self._lines:
                self._lines[values] = self._line(values)
            self._counts[values] = self._counts.get(values, 0) + amount
            self._grown.add(values)

    def replace(self, counts: Mapping[tuple[str, ...], int]) -> None:
        """Take all numbers anew, for a counter whose sums are kept elsewhere."""
        with self._lock:
            for values in self._counts.keys() - counts.keys():
                self._lines.pop(values, None)
            for values in counts.keys() - self._lines.keys():
                self._lines[values] = self._line(values)
            self._counts = dict(counts)

    def counts(self) -> dict[tuple[str, ...], int]:
        """Return every number that is shown by its label values."""
        with self._lock:
            return {values: self._counts[values] for values in self._lines}

    def sums(self, *, everything: bool) -> dict[tuple[str, ...], int]:
        """Return what grew since the last call, or *everything*; of hidden series too."""
        with self._lock:
            grown, self._grown = self._grown, set()
            return dict(self._counts) if everything else {values: self._counts[values] for values in grown}

    def hide(self, entries: AbstractSet[str]) -> None:
        """Show the series of these list entries no more; their numbers stay."""
        with self._lock:
            for values in [values for values in self._lines if values[0] in entries]:
                del self._lines[values]

    def show_only(self, entries: Container[str]) -> None:
        """Show the series of these list entries and no others."""
        with self._lock:
            self._lines = {values: self._line(values) for values in self._counts if values[0] in entries}

    def show(self, entries: AbstractSet[str]) -> None:
        """Show the series of these list entries again, from where they were."""
        with self._lock:
            for values in self._counts.keys() - self._lines.keys():
                if values[0] in entries:
                    self._lines[values] = self._line(values)

    def exposition(self) -> bytes:
        """Return help, type and every series that is shown as text."""
        # Mail waits for the lock: of many series the text takes long, and copies do not.
        with self._lock:
            lines, counts = self._lines.copy(), self._counts.copy()
        text = "".join([f"{line}{counts[values]}\n" for values, line in lines.items()])
        return (self._head + text).encode()

    def _line(self, values: tuple[str, ...]) -> str:
        pairs = sorted(zip(self.labels, values, strict=True))
        written = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in pairs)
        return f"{self.name}_total{{{written}}} "
