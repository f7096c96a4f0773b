"""What a thread that must not wait does: it takes what is at hand, and leaves the rest to one that may.

Owns: that one word between them.
"""

from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


class NotAtHandError(Exception):
    """Something would have to be waited for, read from a file, or worked at for long."""


def at_hand(future: Future[_T]) -> _T:
    """Return what a future holds already; raises NotAtHandError, or what it holds in its place."""
    if not future.done():
        raise NotAtHandError
    return future.result()
