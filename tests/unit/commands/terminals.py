"""What a program writes to a terminal, read at the other end of it."""

import os


def read_until(descriptor: int, wanted: bytes | None) -> bytes:
    """Return what a terminal was told, up to *wanted* or to the end; it comes in any number of pieces."""
    seen = b""
    while wanted is None or wanted not in seen:
        try:
            octets = os.read(descriptor, 65536)
        except OSError:  # Linux: the other side is closed
            octets = b""
        if not octets:
            break
        seen += octets
    assert wanted is None or wanted in seen
    return seen
