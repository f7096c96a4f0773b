"""Domain names as the product compares them.

Owns: the one normal form (A-labels, lower case, no trailing dot) and what a list entry may be.
Invariant: a value of type ``Domain`` came out of :func:`parse_domain`; past that line nobody folds case.
Sources: RFC 5321 section 4.1.2 (Domain), RFC 5890 (A-label), UTS 46 (mapping), publicsuffix.org.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import NewType

import idna
from publicsuffixlist import PSLFILE, PublicSuffixList, encode_idn

from domain_secure.policy.long_lists.any_of import any_of

Domain = NewType("Domain", str)  #: a host or mail domain in normal form
Entry = NewType("Entry", str)  #: a list entry: a Domain, or ``*.`` followed by one

# RFC 1035 section 2.3.4: 63 octets a label, 253 characters a name.  The underscore is not in RFC 5321's
# grammar, but names with it are in use in DNS and Postfix accepts them as sender domains.
_A_LABELS = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)


class InvalidDomainError(ValueError):
    """The text is not a domain name; the argument says why, for a person."""


def parse_domain(text: str) -> Domain:
    """Return *text* in normal form.

    Accepts U-labels and A-labels in any case, with or without one trailing dot.
    Raises InvalidDomainError for anything else, an address literal included.
    """
    folded = text
    if not text.isascii():
        try:
            # UTS 46 folds case in its own way (a final sigma stays as it is), so nothing does it before.
            folded = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise InvalidDomainError(f"{text!r} is not an internationalised domain name ({error})") from error
    folded = folded.lower().removesuffix(".")
    if not _A_LABELS.fullmatch(folded):
        raise InvalidDomainError(f"{text!r} is not a domain name")
    return Domain(folded)


def comparable_host(text: str) -> str:
    """Return a host name as names are compared: in normal form, or what is no domain in lower case."""
    try:
        return parse_domain(text)
    except InvalidDomainError:
        return text.lower()


def parse_entry(text: str) -> Entry:
    """Return a list entry: a domain, or ``*.domain`` for every subdomain and not the domain itself.

    Raises InvalidDomainError, also for a public suffix: an entry for ``co.uk`` or ``*.co.uk`` would
    speak for organisations that have nothing in common.  And for an address: no top-level domain is all
    digits (RFC 3696 section 2).
    """
    wildcard = text.startswith("*.")
    domain = parse_domain(text[2:] if wildcard else text)
    if domain.rpartition(".")[2].isdigit():
        raise InvalidDomainError(f"{text!r} is no domain but an address or a number: no mail is from it")
    if is_public_suffix(domain):
        raise InvalidDomainError(
            f"{text!r} is a public suffix: names below it belong to unrelated organisations"
        )
    return Entry(f"*.{domain}") if wildcard else Entry(domain)


def entry_base(entry: Entry) -> Domain:
    """Return the domain an entry is about: ``fabrikam.test`` for ``*.fabrikam.test``."""
    return Domain(entry.removeprefix("*."))


@cache
def _public_suffixes(top: str) -> PublicSuffixList:
    """Return the rules for names below one top-level domain; to understand all takes a tenth of a command."""
    return PublicSuffixList(_rules().get(top, b""))


def _written_rules() -> Iterator[str]:
    """Yield each rule of the list as it is written: up to the first white space of its line."""
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        for line in lines:
            words = line.split(maxsplit=1)
            if words and not words[0].startswith("//"):
                yield words[0]


@cache
def _rules() -> dict[str, bytes]:
    """Return the lines of the list by the A-label of the top-level domain, each domain's as one text.

    As ten thousand texts they would take three times as much of a daemon's memory.
    """
    rules: dict[str, list[str]] = {}
    for rule in _written_rules():
        rules.setdefault(rule.rpartition(".")[2].lower(), []).append(rule)
    return {
        top if top.isascii() else top.encode("idna").decode(): "\n".join(lines).encode()
        for top, lines in rules.items()
    }


def is_public_suffix(domain: Domain) -> bool:
    """Tell whether *domain* is a public suffix; an unknown top-level domain is one (publicsuffix.org)."""
    top = domain.rpartition(".")[2]
    return bool(_public_suffixes(top if top in _rules() else "").is_public(domain))


@cache
def _suffix_rules() -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Return the names that rules are about, and those of which a rule says ``*.``, in A-labels."""
    written = {rule.lower().lstrip("!") for rule in _written_rules()}
    names = {(name if name.isascii() else encode_idn(name)).encode("ascii") for name in written}
    parents = {name[2:] for name in names if name.startswith(b"*.")}
    return frozenset(names | parents), frozenset(parents)


_MANY = 50_000  #: names of which to look at each takes longer than to look for the few that matter


@cache
def _parent_at_end() -> re.Pattern[bytes]:
    """Return what finds a line's end that is a dot and the name of which a rule says ``*.``."""
    return re.compile(rb"\." + any_of(parent + b"\n" for parent in _suffix_rules()[1]))


def perhaps_public_suffixes(names: AbstractSet[bytes], lines: bytes) -> set[bytes]:
    """Return those of many domains in normal form about which `is_public_suffix` is to be asked.

    All others are none.  *lines* are the same domains, with a line end behind each.
    """
    rules, parents = _suffix_rules()
    found = set(names & rules)
    if len(names) < _MANY:
        return found.union(
            name for name in names if name[name.find(b".") + 1 :] in parents or b"." not in name
        )
    for end in _parent_at_end().finditer(lines):
        name = lines[lines.rfind(b"\n", 0, end.start()) + 1 : end.end() - 1]
        if name[name.find(b".") + 1 :] in parents:
            found.add(name)
    if has_lines_without_dot(lines):
        found.update(name for name in names if b"." not in name)
    return found


_NOT_DOTS = bytes(octet for octet in range(256) if octet not in b".\n")


def has_lines_without_dot(lines: bytes) -> bool:
    """Tell whether one of *lines*, each with a line end behind it, has no dot."""
    dots = lines.translate(None, _NOT_DOTS)
    return dots.startswith(b"\n") or b"\n\n" in dots


def lies_under(domain: str, parent: str) -> bool:
    """Tell whether *domain* is a proper subdomain of *parent*; both in normal form."""
    return domain.endswith("." + parent)
