"""The run time configuration of Exim 4: its lines, sections, options and lists.

Owns: what is one option of which driver, and what is one element of a list.
Must not know: what any option means.
Sources: the specification of Exim 4, chapter 6 ("The Exim run time configuration file"): continuation by a
backslash, comments, ``.include`` and ``.ifdef``, macros, named lists, string expansion; section 6.21 for
lists (``::``, ``<;``); chapter 10 for what an element of a domain list or host list may be.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from .proposal import Place
from .source_text import SourceText, is_readable, unreadable

MAIN = "main"
_SECTION = re.compile(r"begin\s+(?P<name>[a-z]+)\s*")
_OPTION = re.compile(r"(?:hide\s+)?(?P<name>[a-z][a-z0-9_]*)\s*=\s*(?P<value>.*)", re.DOTALL)
_SWITCH = re.compile(r"(?:hide\s+)?(?:no_|not_)?[a-z][a-z0-9_]*")
_NAMED = re.compile(
    r"(?P<kind>domainlist|hostlist|addresslist|localpartlist)(?:_cache)?\s+(?P<name>\w+)\s*=\s*"
)
_DRIVER = re.compile(r"(?P<name>[A-Za-z0-9_-]+)\s*:\s*(?P<rest>.*)")
_MACRO = re.compile(r"(?P<name>[A-Z][A-Za-z0-9_]*)\s*==?\s*(?P<value>.*)", re.DOTALL)
_WORD = re.compile(r"[A-Z]\w*")
_VERB = re.compile(r"(?:accept|defer|deny|discard|drop|require|warn)\b\s*(?P<rest>.*)", re.DOTALL)


@unique
class Kind(StrEnum):
    """What a statement is."""

    OPTION = "option"
    LIST = "list"  #: a named list; *name* is `domainlist NAME`
    VERB = "verb"  #: of an access control list; *value* is what stands behind it
    CONDITION = "condition"  #: in an access control list, or a modifier
    DIRECTIVE = "directive"  #: `.include`, `.ifdef` and the like
    MACRO = "macro"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: where it stands, what it sets."""

    place: Place
    kind: Kind
    section: str
    driver: str  #: of a router or transport, or the name of an access control list; else empty
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The elements of a list, and what of it cannot be told without Exim."""

    elements: tuple[str, ...]
    unknown: str = ""  #: why it is not known, one clause; then there are no elements
    letters: int = 0  #: that were read for it, named lists included


def statements(source: SourceText) -> Iterator[Statement]:
    """Yield every statement of a file; raises Problem for letters of an unknown encoding."""
    section, driver = MAIN, ""
    for place, text in _logical_lines(source):
        if not is_readable(text):
            raise unreadable(place, "this line")
        if (begun := _SECTION.fullmatch(text)) is not None:
            section, driver = begun["name"], ""
        elif text.startswith("."):
            word, _, rest = text.partition(" ")
            yield Statement(place, Kind.DIRECTIVE, section, driver, word, rest.strip())
        elif (macro := _MACRO.fullmatch(text)) is not None and section != "acl":
            yield Statement(place, Kind.MACRO, section, driver, macro["name"], macro["value"])
        elif section == "acl":
            named = _DRIVER.fullmatch(text)
            if named is not None and "=" not in named["name"] and not named["rest"]:
                driver = named["name"]
            else:
                yield _of_access(place, driver, text)
        elif section in {"routers", "transports", "authenticators"} and (match := _DRIVER.fullmatch(text)):
            driver = match["name"]
            if match["rest"]:
                yield _setting(place, section, driver, match["rest"])
        else:
            yield _setting(place, section, driver, text)


def _setting(place: Place, section: str, driver: str, text: str) -> Statement:
    if (named := _NAMED.match(text)) is not None:
        name = f"{named['kind']} {named['name']}"
        return Statement(place, Kind.LIST, section, driver, name, _unquoted(text[named.end() :]))
    if (option := _OPTION.fullmatch(text)) is not None:
        return Statement(place, Kind.OPTION, section, driver, option["name"], _unquoted(option["value"]))
    if _SWITCH.fullmatch(text):
        return Statement(place, Kind.OPTION, section, driver, text, "")
    return Statement(place, Kind.OTHER, section, driver, text[:80], "")


def _of_access(place: Place, driver: str, text: str) -> Statement:
    verb = _VERB.fullmatch(text)
    if verb is not None:
        return Statement(place, Kind.VERB, "acl", driver, text.split(None, 1)[0], verb["rest"])
    name, _, value = text.partition("=")
    return Statement(place, Kind.CONDITION, "acl", driver, name.strip(), value.strip())


def _logical_lines(source: SourceText) -> Iterator[tuple[Place, str]]:
    """Yield the lines with their continuations; a comment may stand between them."""
    parts: list[str] = []
    number = 0
    for count, line in enumerate(source.lines, 1):
        bare = line.strip()
        if bare.startswith("#") or (not bare and not parts):
            continue
        if not parts:
            number = count
        if bare.endswith("\\"):
            parts.append(bare[:-1])
            continue
        parts.append(bare)
        if text := "".join(parts).strip():
            yield source.place(number), text
        parts = []
    if text := "".join(parts).strip():
        yield source.place(number), text


def _unquoted(value: str) -> str:
    text = value.strip()
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    return text


def elements_of(value: str, lists: Mapping[str, str], macros: Collection[str], most: int) -> Listed:
    """Return the elements of a list as it is written; *lists* are the named ones, by ``domainlist``'s name.

    What is expanded for each message, comes of a macro, or is looked up elsewhere is not known here; nor is
    a list that has more than *most* letters with those it names.
    """
    found: dict[str, None] = {}
    waiting, named, letters = [value], set(), 0
    while waiting:
        text = waiting.pop()
        letters += len(text)
        if letters > most:
            return Listed((), "long lists are named too often to be written out again, and it is not")
        if "$" in text:
            return Listed((), "it is expanded for each message ($…), and is not understood here")
        if used := next((word for word in _WORD.findall(text) if word in macros), None):
            return Listed((), f"it has the macro {used}, which is not replaced here")
        for one in _split(text):
            name = one[1:] if one.startswith("+") else ""
            if name not in lists:
                found[one] = None
            elif name not in named:
                named.add(name)
                waiting.append(lists[name])
    return Listed(tuple(found), letters=letters)


def _split(value: str) -> list[str]:
    text, separator = value.strip(), ":"
    if text.startswith("<") and len(text) > 1 and not text[1].isalnum():
        separator, text = text[1], text[2:]
    doubled = "\0"
    text = text.replace(separator * 2, doubled)
    return [one.strip().replace(doubled, separator) for one in text.split(separator) if one.strip()]
