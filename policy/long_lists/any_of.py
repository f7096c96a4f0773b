"""One regular expression that is any of many texts, in about the time of one.

Owns: its shape.  Where texts begin alike that is compared once, so that a place at which none begins is left
after an octet or two.
"""

import re
from collections.abc import Iterable
from itertools import groupby
from os.path import commonprefix


def any_of(texts: Iterable[bytes]) -> bytes:
    """Return the source of an expression that matches each of *texts* and nothing else.

    There must be one at least.  Of texts of which one begins with another the longer is matched.
    """
    return _expression(sorted(set(texts)), 0)


def _expression(texts: list[bytes], start: int) -> bytes:
    """Return the expression for what stands from *start* on in *texts*, which are in order."""
    ends_here = len(texts[0]) == start
    groups = [list(group) for _, group in groupby(texts[ends_here:], key=lambda text: text[start])]
    if not groups:
        return b""
    branches = []
    for group in groups:
        # Of sorted texts the first and the last have in common what all have.
        end = start + len(commonprefix([group[0][start:], group[-1][start:]]))  # noqa: RUF071 - octets are meant
        branches.append(re.escape(group[0][start:end]) + _expression(group, end))
    return b"(?:%b)%b" % (b"|".join(branches), b"?" if ends_here else b"")
