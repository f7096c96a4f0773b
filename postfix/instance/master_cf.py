"""Editing master.cf as text: options are added to a service, services are added, and both come out again.

Owns: where a service and its ``-o`` options lie, how an option is written, and the edits.
Must not know: which options; that is ``inbound_settings``'s and ``outbound_settings``'s part.
Invariant: taking out what was put in gives the content back, byte for byte.
Sources: master(5): eight fields, then arguments; ``-o name=value``, or ``-o { name = value }`` when the
value has whitespace; of several for a name the last counts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain_secure.policy.terms.problems import Problem

from .logical_lines import (
    BLANKS,
    WHITESPACE,
    LogicalLine,
    Token,
    insert_lines,
    logical_lines,
    remove,
    remove_comment,
    tokens,
)


@dataclass(frozen=True, slots=True)
class Option:
    """One ``-o name=value``, and where it stands in the service's text."""

    name: bytes
    value: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One service."""

    line: LogicalLine
    fields: tuple[Token, ...]  #: name, type, private, unprivileged, chroot, wakeup, limit, program
    arguments: tuple[Token, ...]

    @property
    def key(self) -> bytes:
        """Return ``name/type``."""
        return self.fields[0].text + b"/" + self.fields[1].text

    @property
    def options(self) -> Iterator[Option]:
        """Yield the overrides in their order."""
        arguments = iter(self.arguments)
        for argument in arguments:
            if argument.text == b"-o":
                if (setting := next(arguments, None)) is not None:
                    yield _option(setting.text, argument.start, setting.end)
            elif argument.text.startswith(b"-o"):
                yield _option(argument.text[2:], argument.start, argument.end)


def entries(content: bytes) -> Iterator[Entry]:
    """Yield the services in the order of the file."""
    for line in logical_lines(content):
        parts = tuple(tokens(line.text, BLANKS))
        if len(parts) >= 8:
            yield Entry(line, parts[:8], parts[8:])


def entry(content: bytes, key: bytes) -> Entry | None:
    """Return the service *key*; raises Problem when the file has it twice, for Postfix would use either."""
    found = [one for one in entries(content) if one.key == key]
    if len(found) > 1:
        raise Problem(
            f"{key.decode(errors='replace')} is there {len(found)} times", "master.cf", "leave one of them"
        )
    return found[0] if found else None


def with_options(content: bytes, key: bytes, options: Mapping[str, str], comment: bytes) -> bytes:
    """Add *options* behind the others of the service *key*, each on a line of its own, below *comment*."""
    found = entry(content, key)
    if found is None:
        raise KeyError(key)
    return insert_lines(content, found.line.end, [comment, *_option_lines(options)])


def with_clone(content: bytes, key: bytes, name: bytes, options: Mapping[str, str], comment: bytes) -> bytes:
    """Add a service *name* at the end: the service *key* with all its arguments, and then *options*."""
    found = entry(content, key)
    if found is None:
        raise KeyError(key)
    first = b" ".join([name, *(field.text for field in found.fields[1:])])
    own = [b"  " + b" ".join(group) for group in _grouped(found.arguments)]
    return insert_lines(content, len(content), [comment, first, *own, *_option_lines(options)])


def without_options(
    content: bytes, decide: Callable[[Sequence[Option]], Mapping[Option, str | None]]
) -> bytes:
    """Take options out: *decide* gets those of a service, and names those that go.

    With each comes the value it keeps, or None when the whole option goes.
    """
    for found in reversed(list(entries(content))):
        leaving = decide(list(found.options))
        for option in sorted(leaving, key=lambda each: each.start, reverse=True):
            start, end = found.line.place(option.start, option.end)
            kept = leaving[option]
            if kept is None:
                content = remove(content, [(start, end)])
            else:
                content = content[:start] + option_text(option.name.decode(), kept) + content[end:]
    return content


def without_services(content: bytes, keys: Collection[bytes]) -> bytes:
    """Take the services *keys* out, with all their lines."""
    ranges = [span for found in entries(content) if found.key in keys for span in found.line.spans]
    return remove(content, ranges)


def without_comment(content: bytes, comment: bytes) -> bytes:
    """Take out every line that is *comment*, wherever an editing program has moved it."""
    return remove_comment(content, comment)


def option_text(name: str, value: str) -> bytes:
    """Return ``-o name=value`` in the form its value needs; raises Problem for unbalanced braces."""
    encoded = value.encode(errors="surrogateescape")
    if not _balanced(encoded):
        raise Problem(f"the braces in {value!r} are not balanced", f"main.cf: {name}", "balance them")
    if any(byte in WHITESPACE + b"{}" for byte in encoded):
        return b"-o { " + name.encode() + b" = " + encoded + b" }"
    return b"-o " + name.encode() + b"=" + encoded


def _option_lines(options: Mapping[str, str]) -> list[bytes]:
    return [b"  " + option_text(name, value) for name, value in options.items()]


def _option(setting: bytes, start: int, end: int) -> Option:
    if setting.startswith(b"{") and setting.endswith(b"}"):
        setting = setting[1:-1]
    name, _, value = setting.partition(b"=")
    return Option(name.strip(WHITESPACE), value.strip(WHITESPACE), start, end)


def _grouped(arguments: Sequence[Token]) -> Iterator[list[bytes]]:
    """Keep each ``-o`` together with its setting."""
    rest = iter(argument.text for argument in arguments)
    for argument in rest:
        yield [argument, *([following] if argument == b"-o" and (following := next(rest, b"")) else [])]


def _balanced(text: bytes) -> bool:
    depth = 0
    for byte in text:
        depth += {ord("{"): 1, ord("}"): -1}.get(byte, 0)
        if depth < 0:
            return False
    return depth == 0
