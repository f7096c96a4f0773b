"""A counter by list entry, of which a daemon may have tens of thousands of series.

Owns: the numbers, and their text in the exposition format; a line is made once and only its number is written
anew, because the client library takes half a second for what a large edge shows at each scrape.
Must not know: what is counted.
Invariant: label values come from the lists and from enumerations; a series appears with its first event.
Source: Prometheus, "Exposition formats", text format 0.0.4.
"""

import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class EntryCounter:
    """Counts by *labels*, of which the first is the list entry; *name* comes without ``_total``."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...]) -> None:
        self.name = name
        self.labels = labels
        self._head = f"# HELP {name}_total {documentation}\n# TYPE {name}_total counter\n"
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, ...], str] = {}
        self._counts: dict[tuple[str, ...], int] = {}

    def inc(self, *values: str, amount: int = 1) -> None:
        """Count *amount* more events of the series with these label values."""
        with self._lock:
            if values not in self._lines:
                self._lines[values] = self._line(values)
            self._counts[values] = self._counts.get(values, 0) + amount

    def replace(self, counts: Mapping[tuple[str, ...], int]) -> None:
        """Take all numbers anew, for a counter whose sums are kept elsewhere."""
        with self._lock:
            for values in self._counts.keys() - counts.keys():
                del self._lines[values]
            for values in counts.keys() - self._counts.keys():
                self._lines[values] = self._line(values)
            self._counts = dict(counts)

    def counts(self) -> dict[tuple[str, ...], int]:
        """Return every number by its label values, of which the first is the list entry."""
        with self._lock:
            return dict(self._counts)

    def forget(self, entries: AbstractSet[str]) -> None:
        """Drop the series of these list entries."""
        with self._lock:
            for values in [values for values in self._counts if values[0] in entries]:
                del self._counts[values], self._lines[values]

    def exposition(self) -> bytes:
        """Return help, type and every series as text."""
        with self._lock:
            lines = self._lines
            text = "".join([f"{lines[values]}{number}\n" for values, number in self._counts.items()])
        return (self._head + text).encode()

    def _line(self, values: tuple[str, ...]) -> str:
        pairs = zip(self.labels, values, strict=True)
        written = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in pairs)
        return f"{self.name}_total{{{written}}} "
