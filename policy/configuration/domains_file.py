"""The file behind ``domains_file``: one list entry a line.

Owns: its grammar.  Blank lines and everything behind ``#`` mean nothing.

A million lines are mostly entries in normal form and nothing else.  What is so by a few looks at the whole
text, or at sets of lines, is not looked at line by line; any other line is read by the grammar of entries.
"""

import hashlib
import re
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from weakref import WeakValueDictionary

from domain_secure.policy.long_lists.entry_text import EntryText
from domain_secure.policy.terms.domain import (
    Entry,
    InvalidDomainError,
    parse_entry,
    perhaps_public_suffixes,
)

_LOWER_CASE = b"abcdefghijklmnopqrstuvwxyz"
_DIGITS = b"0123456789"
#: Each octet as one that stands for its like: ``a`` for what may stand anywhere in a label, ``0`` for digits.
_SHAPE = bytes.maketrans(
    bytes(range(256)),
    bytes(
        ord("a")
        if octet in _LOWER_CASE or octet == ord("_")
        else ord("0")
        if octet in _DIGITS
        else octet
        if octet in b".-*\n"
        else ord("!")
        for octet in range(256)
    ),
)
_NOT_DOTS = bytes(octet for octet in range(256) if octet not in b".\n")
# A host of lines in normal form has none of these; what has may be good all the same.
_UNUSUAL = (b"!", b"..", b".-", b"-.", b"\n-", b"-\n", b"\n.", b".\n")
_LONGEST_LABEL = 63  # a line that is no longer has no longer label
_PLAIN = re.compile(
    rb"(?:\*\.)?(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+"
    rb"[a-z](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMBER_AT_END = re.compile(rb"\.[0-9]+\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_known: WeakValueDictionary[bytes, EntryText] = WeakValueDictionary()  #: by the digest of the file


def read_entries(content: bytes) -> tuple[EntryText, list[tuple[int, str]]]:
    """Return the entries in order, and for each faulty line its number, from 1, and the fault.

    What was read already, and is still in use, is not read again.
    """
    digest = hashlib.sha256(content).digest()
    if (known := _known.get(digest)) is not None:
        return known, []
    plain = _plain_entries(content)
    entries, faults = _by_lines(content) if plain is None else (plain, [])
    if not faults:
        _known[digest] = entries
    return entries, faults


def remove_entries(content: bytes, removed: Collection[Entry]) -> bytes:
    """Return *content*, which must be free of faults, without the lines of *removed*."""
    octets = {entry.encode("ascii") for entry in removed}
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content)
    return b"".join(line for line in lines if not _stands_for(line, removed, octets))


def _plain_entries(content: bytes) -> EntryText | None:
    """Return the entries of a text in which each line is one in normal form, no two alike; else None."""
    text = content if content[-1:] in {b"", b"\n"} else content + b"\n"
    if not _is_of_names(text):
        return None
    lines = text.splitlines()
    names = set(lines)
    if len(names) != len(lines):
        return None
    longest = max(map(len, lines), default=0)
    if longest > _LONGEST_LABEL and not all(map(_PLAIN.fullmatch, lines)):
        return None
    doubtful = _doubtful(names, wildcards=b"*" in text)
    return None if doubtful else EntryText(text, len(lines))


def _is_of_names(text: bytes) -> bool:
    """Tell whether each line is of labels, with a dot in it; nothing is asked about lengths."""
    shape = text.translate(_SHAPE)
    if any(unusual in shape for unusual in _UNUSUAL) or text.startswith((b".", b"-")):
        return False
    if shape.count(b"*") != shape.count(b"\n*.") + shape.startswith(b"*."):
        return False
    if b"0\n" in shape and _NUMBER_AT_END.search(text):
        return False
    dots = text.translate(None, _NOT_DOTS)
    return not dots.startswith(b"\n") and b"\n\n" not in dots


def _doubtful(lines: AbstractSet[bytes], *, wildcards: bool) -> set[bytes]:
    """Return the lines about which only the grammar of entries knows whether they are public suffixes."""
    found = perhaps_public_suffixes(lines)
    if wildcards:
        written = {line for line in lines if line.startswith(b"*")}
        bases = perhaps_public_suffixes({line[2:] for line in written})
        found |= {line for line in written if line[2:] in bases}
    return found


def _by_lines(content: bytes) -> tuple[EntryText, list[tuple[int, str]]]:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return EntryText(b"", 0), [(content.count(b"\n", 0, error.start) + 1, "the line is not UTF-8")]
    lines = content.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    plain = set(filter(_PLAIN.fullmatch, lines))
    plain -= _doubtful(plain, wildcards=b"*" in content)
    entries: dict[bytes, None] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line in plain:
            entries[line] = None
        elif written := _without_comment(line):
            try:
                entries[parse_entry(written).encode("ascii")] = None
            except InvalidDomainError as error:
                faults.append((number, str(error)))
    return EntryText(b"".join(b"%b\n" % entry for entry in entries), len(entries)), faults


def _stands_for(line: bytes, removed: Collection[Entry], octets: AbstractSet[bytes]) -> bool:
    name = line.removesuffix(b"\n")
    if name in octets:
        return True
    if _PLAIN.fullmatch(name):
        return False
    written = _without_comment(name.removeprefix(_BYTE_ORDER_MARK))
    return bool(written) and parse_entry(written) in removed


def _without_comment(line: bytes) -> str:
    return line.partition(b"#")[0].decode("utf-8").strip()
