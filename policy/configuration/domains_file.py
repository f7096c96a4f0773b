"""The file behind ``domains_file``: one list entry a line.

Owns: its grammar.  Blank lines and everything behind ``#`` mean nothing.

A million lines are mostly entries in normal form and nothing else.  What is so by a few looks at the whole
text, or at sets of lines, is not looked at line by line; any other line is read by the grammar of entries.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from weakref import WeakValueDictionary

from domain_secure.policy.long_lists.differing_lines import differing_lines
from domain_secure.policy.long_lists.entry_text import EntryText
from domain_secure.policy.terms.domain import (
    Entry,
    InvalidDomainError,
    has_lines_without_dot,
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
# A host of lines in normal form has none of these; what has may be good all the same.
_UNUSUAL = (b"!", b"..", b".-", b"-.", b"\n-", b"-\n", b"\n.", b".\n")
_LONGEST_LABEL = 63  # a line that is no longer has no longer label
_PLAIN = re.compile(
    rb"(?:\*\.)?(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+"
    rb"[a-z](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMBER_AT_END = re.compile(rb"\.[0-9]+\n")
_LONG = 64 * 1024  #: octets from which on a text is compared with those in use
_LITTLE = 64 * 1024  #: octets that may differ then
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_known: WeakValueDictionary[bytes, EntryText] = WeakValueDictionary()  #: by the digest of the file


def read_entries(content: bytes) -> tuple[EntryText, list[tuple[int, str]]]:
    """Return the entries in order, and for each faulty line its number, from 1, and the fault.

    What was read already, and is still in use, is not read again.
    """
    for known in tuple(_known.values()):
        if known.octets == content:
            return known, []
    digest = hashlib.sha256(content).digest()
    if (same := _known.get(digest)) is not None:
        return same, []
    plain = _nearly_known(content) or _plain_entries(content)
    entries, faults = _by_lines(content) if plain is None else (plain, [])
    if not faults:
        _known[digest] = entries
    return entries, faults


def remove_entries(content: bytes, removed: Collection[Entry]) -> bytes:
    """Return *content*, which must be free of faults, without the lines of *removed*."""
    octets = {entry.encode("ascii") for entry in removed}
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content)
    return b"".join(line for line in lines if not _stands_for(line, removed, octets))


def _nearly_known(content: bytes) -> EntryText | None:
    """Return the entries of a long text that differs in a few lines from one in use; else None.

    Then these few are all that has to be read.
    """
    if len(content) < _LONG:
        return None
    text = _with_line_end(content)
    for known in tuple(_known.values()):
        if abs(len(known.octets) - len(text)) > _LITTLE:
            continue
        start, former_end, end = differing_lines(known.octets, text)
        if former_end - start > _LITTLE or end - start > _LITTLE:
            continue
        new = _plain_entries(text[start:end])
        if new is None:
            continue
        former = set(known.octets[start:former_end].splitlines())
        if known.among([entry for entry in new if entry.encode("ascii") not in former]):
            continue
        return known.changed(start, former_end, text[start:end])
    return None


def _with_line_end(content: bytes) -> bytes:
    return content if content[-1:] in {b"", b"\n"} else content + b"\n"


def _plain_entries(content: bytes) -> EntryText | None:
    """Return the entries of a text in which each line is one in normal form, no two alike; else None."""
    text = _with_line_end(content)
    if not _is_of_names(text):
        return None
    lines = text.splitlines()
    names = set(lines)
    if len(names) != len(lines):
        return None
    longest = max(map(len, lines), default=0)
    if longest > _LONGEST_LABEL and not all(map(_PLAIN.fullmatch, lines)):
        return None
    return None if _doubtful(names, text) else EntryText(text, len(lines))


def _is_of_names(text: bytes) -> bool:
    """Tell whether each line is of labels, with a dot in it; nothing is asked about lengths."""
    shape = text.translate(_SHAPE)
    if any(unusual in shape for unusual in _UNUSUAL) or text.startswith((b".", b"-")):
        return False
    if b"*" in shape and shape.count(b"*") != shape.count(b"\n*.") + shape.startswith(b"*."):
        return False
    if b"0\n" in shape and _NUMBER_AT_END.search(text):
        return False
    return not has_lines_without_dot(text)


def _doubtful(names: AbstractSet[bytes], lines: bytes) -> set[bytes]:
    """Return the names about which only the grammar of entries knows whether they are public suffixes.

    *lines* are the same names, with a line end behind each.
    """
    found = perhaps_public_suffixes(names, lines)
    if b"*" in lines:
        written = {name for name in names if name.startswith(b"*")}
        bases = {name[2:] for name in written}
        perhaps = perhaps_public_suffixes(bases, _lines(bases))
        found |= {name for name in written if name[2:] in perhaps}
    return found


def _by_lines(content: bytes) -> tuple[EntryText, list[tuple[int, str]]]:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return EntryText(b"", 0), [(content.count(b"\n", 0, error.start) + 1, "the line is not UTF-8")]
    lines = content.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    plain = set(filter(_PLAIN.fullmatch, lines))
    plain -= _doubtful(plain, _lines(plain))
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
    return EntryText(_lines(entries), len(entries)), faults


def _lines(names: Iterable[bytes]) -> bytes:
    return b"".join(b"%b\n" % name for name in names)


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
