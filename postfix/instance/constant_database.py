"""The entries of a cdb file, which postmap(1) looks up and does not list.

Owns: the form of the file.
Must not know: what the entries mean.
Sources: https://cr.yp.to/cdb/cdb.txt, CDB_README.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from domain_secure.policy.terms.problems import NoPermission, Problem

SUFFIX = ".cdb"  #: what postmap(1) adds to the name of a table
_AGAIN = "make it again with postmap(1)"
_TABLES = 256
_POINTER = struct.Struct("<II")  #: of a hash table: where it begins, and how many slots it has
_LENGTHS = struct.Struct("<II")  #: of a key and of what it stands for


def entries(path: Path) -> Iterator[tuple[str, str]]:
    """Yield keys and values of the file at *path*, in the order in which they were written.

    Records follow the pointers to 256 hash tables and end where the first of these begins.  Raises Problem
    for a file that cannot be read or has another form, and NoPermission.
    """
    try:
        content = path.read_bytes()
    except PermissionError as error:
        raise NoPermission("the table may not be read", str(path), "run this command as root") from error
    except OSError as error:
        raise Problem(f"the table cannot be read ({error.strerror})", str(path), _AGAIN) from error
    header = _TABLES * _POINTER.size
    if len(content) < header:
        raise _damaged(path)
    end = min(position for position, _ in _POINTER.iter_unpack(content[:header]))
    if not header <= end <= len(content):
        raise _damaged(path)
    position = header
    while position < end:
        if position + _LENGTHS.size > end:
            raise _damaged(path)
        key_octets, value_octets = _LENGTHS.unpack_from(content, position)
        position += _LENGTHS.size
        value_at, after = position + key_octets, position + key_octets + value_octets
        if after > end:
            raise _damaged(path)
        yield _text(content[position:value_at]), _text(content[value_at:after])
        position = after


def _text(octets: bytes) -> str:
    # Postfix takes both forms, with a NUL at the end and without one.
    return octets.removesuffix(b"\0").decode("utf-8", "surrogateescape")


def _damaged(path: Path) -> Problem:
    return Problem("this is no cdb file, or a part of one", str(path), _AGAIN)
