"""How long to wait before the store is asked again.

Owns: the growing, random pause that keeps a thousand nodes from coming back all at once.
Source: "Exponential Backoff And Jitter" (full jitter), Amazon Architecture Blog, 2015.
"""

import random


class Backoff:
    """Pauses that double up to a bound, each taken at random between nothing and that."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._failures = 0

    def succeeded(self) -> None:
        """Begin anew."""
        self._failures = 0

    def pause(self) -> float:
        """Return the seconds to wait after one more failure."""
        bound = min(self._longest, self._first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return random.uniform(0.1 * bound, bound)  # noqa: S311 - not a secret
