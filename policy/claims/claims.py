"""The claims of a message: which listed domains does it say it is from (DESIGN section 2)?

Owns: which fields claim, and which readings of a field count.  Grammar is ``address``'s part, encoded words
are ``encoded_word``'s, internationalised names ``host_names``'s.
Must not know: sessions, certificates, what becomes of a claim.

Invariant: a listed domain that any reading shows as an author's is claimed; where a field cannot be read, a
listed domain that occurs in it at all.  A field that can be read claims nothing by what its display names,
comments and quoted strings mention.
Sources: RFC 5322 sections 3.6.2 and 3.6.6 for the fields, RFC 5321 section 4.1.1.2 for the reverse-path.
"""

import re
from collections.abc import Iterable

from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.lists import DomainList

from .address import read_address_list
from .claim import Claim
from .encoded_word import decodings
from .host_names import domain_readings, host_names

HEADER_NAMES = frozenset({"from", "sender", "resent-from"})  #: author fields, in lower case

ENVELOPE = "envelope"  #: the source of a claim by the reverse-path

_NULL_PATHS = frozenset({"", "<>"})

# Surrogates that do not stand for an octet (PEP 383).
_NO_OCTET = re.compile("[\ud800-\udc7f\udd00-\udfff]")

# The one mailbox nearly every field consists of.  Each text that fits has this one reading by the grammar of
# ``address`` as well, so that fitting only saves time; an encoded word may follow no such short cut.
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_ADDR_SPEC = rf"[{_ATEXT}][.{_ATEXT}]*+@([A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)*\.?)"
_QUOTED_STRING = r'"[^"\\\x00-\x1f\x7f-\x9f\u202d\u202e]*+"'
_PLAIN_MAILBOX = re.compile(
    rf"[ \t]*+(?:(?:{_QUOTED_STRING}[ \t]*+|[. \t{_ATEXT}]*+)<{_ADDR_SPEC}>|{_ADDR_SPEC})[ \t]*+"
)


def envelope_claims(reverse_paths: Iterable[str], receive: DomainList) -> frozenset[Claim]:
    """Return the listed domains that the envelope claims.

    *reverse_paths* are spellings of one reverse-path: the argument of MAIL FROM as the client sent it (octets
    that are not UTF-8 as surrogates), and what Postfix resolved it to.  Empty ones claim nothing.
    """
    found: set[Domain] = set()
    for reverse_path in reverse_paths:
        # Without an at sign no grammar applies, and all host names are taken: host!user, user%host.
        if reverse_path.isascii():
            found |= _authors((reverse_path,)) if reverse_path not in _NULL_PATHS else frozenset()
        else:
            octets = _NO_OCTET.sub("\ufffd", reverse_path).encode("utf-8", "surrogateescape")
            found |= _authors(_texts(octets))
    return _listed(found, receive, ENVELOPE)


def header_claims(name: str, value: bytes, receive: DomainList) -> frozenset[Claim]:
    """Return the listed domains that one header field claims; a field that names no author claims none.

    *value* is the field's body as received, folded or not.
    """
    source = name.strip().lower()
    if source not in HEADER_NAMES:
        return frozenset()
    texts = _texts(value)
    found = _authors(texts)
    for text in texts:
        if "=?" in text:
            found |= _decoded_authors(text)
    return _listed(found, receive, source)


def _texts(octets: bytes) -> tuple[str, ...]:
    try:
        return (octets.decode(),)
    except UnicodeDecodeError:
        # One wrong octet in the display name must not hide a domain that is good UTF-8.
        return octets.decode("latin-1"), octets.decode("utf-8", "replace")


def _authors(texts: Iterable[str]) -> frozenset[Domain]:
    found: frozenset[Domain] = frozenset()
    for text in texts:
        if plain := _PLAIN_MAILBOX.fullmatch(text):
            found |= domain_readings(plain[1] or plain[2])
        else:
            named = _named(text)
            found |= host_names(text) if named is None else named
    return found


def _decoded_authors(text: str) -> frozenset[Domain]:
    """Return the authors that *text* shows once its encoded words are decoded.

    Where the decoded text cannot be read, the text as it stands decides how much that means: if it can be
    read, its words are display names, and only what looks like an address in them is taken.
    """
    readable = _named(text) is not None
    found: frozenset[Domain] = frozenset()
    for decoded in decodings(text):
        named = _named(decoded)
        found |= host_names(decoded, after_at_sign=readable) if named is None else named
    return found


def _named(text: str) -> frozenset[Domain] | None:
    """Return the domains of the mailboxes in *text*; None: it cannot be read, or names nobody.

    Of a group without members a reader shows the name, as if it were the author's.
    """
    addresses = read_address_list(text)
    if addresses is None or not addresses.has_mailbox:
        return None
    return frozenset().union(*map(domain_readings, addresses.domains))


def _listed(domains: Iterable[Domain], receive: DomainList, source: str) -> frozenset[Claim]:
    return frozenset(
        Claim(entry, domain, source) for domain in domains if (entry := receive.match(domain)) is not None
    )
