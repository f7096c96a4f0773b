"""Cut a text into chunks that stay the same when lines elsewhere in it change.

Owns: where a text is cut, and the index that names its chunks.  A line ends a chunk when its checksum says
so, whatever stands before it: so one more domain in a list of a million changes one chunk and the index.
Must not know: where chunks are kept.
Invariant: the chunks of a text joined are the text; a chunk is named by its SHA-256, an index by its own.
"""

import hashlib
import zlib
from collections.abc import Iterator

# The store would take larger ones, up to 1.5 MiB.  With some 2,000 lines a chunk, one changed line of a
# million costs an edge about 50 KB for the chunk and 16 KB for the index.
_LINES = 2048
MAXIMUM_OCTETS = 256 * 1024


def digest(octets: bytes) -> str:
    """Return the name of a chunk."""
    return hashlib.sha256(octets).hexdigest()


def split(text: bytes) -> Iterator[bytes]:
    """Yield the chunks of a text, none of them empty or larger than the maximum."""
    start = end = 0
    while end < len(text):
        stop = text.find(b"\n", end) + 1 or len(text)
        if stop - start > MAXIMUM_OCTETS and end > start:
            yield text[start:end]
            start = end
        while stop - start > MAXIMUM_OCTETS:  # a line that is longer than a chunk
            yield text[start : start + MAXIMUM_OCTETS]
            start += MAXIMUM_OCTETS
        line, end = text[end:stop], stop
        if zlib.crc32(line) % _LINES == 0 and end > start:
            yield text[start:end]
            start = end
    if start < len(text):
        yield text[start:]


def write_index(names: list[str]) -> bytes:
    """Return the index of chunks with these names, in order."""
    return b"".join(bytes.fromhex(name) for name in names)


def read_index(octets: bytes) -> list[str]:
    """Return the names in an index; raises ValueError."""
    if len(octets) % 32:
        raise ValueError("it is not an index of chunks")
    return [octets[at : at + 32].hex() for at in range(0, len(octets), 32)]
