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
from functools import lru_cache

from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList

from .address import read_address_list
from .budget import Allowance
from .claim import Claim
from .encoded_word import decodings, has_undecodable, without_words
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
# A name that begins with an at sign, with octets of some old charset in it.
_LABELLED_BY_NOBODY = re.compile(rb"@[ \t\"'<\[]*+[A-Za-z0-9._-]*+[\x80-\xff][A-Za-z0-9._\x80-\xff-]{0,252}")
_COMMENT = re.compile(r"\([^()]*+\)")  # without any in it
_NAMED_DOMAIN = re.compile(r"@[\s\"'<(\\]{0,16}[\w\[]")
_WORD_IN_A_DOMAIN = re.compile(r"@(?:\s++|\([^()]*+\))*+[^\s<>()\[\],;:\"=@]*+=\?")
_ESCAPE_OCTET = b"\x1b"  # ISO 2022 changes the charset with it
_STRAY = str.maketrans(dict.fromkeys('<>()[],;:"\\'))
_SPACES = str.maketrans(dict.fromkeys(" \t"))
_WHITE_SPACE = str.maketrans(dict.fromkeys(" \t\r\n"))
_OLD_CHARSETS = (
    *("cp1252", "cp437", "cp850", "mac_roman", "iso8859_15", "cp1250", "iso8859_2", "cp852", "iso8859_9"),
    *("cp1251", "koi8_r", "cp866", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256", "cp874"),
    *("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
)

_PLAIN_MAILBOX = re.compile(
    rf"[ \t]*+(?:(?:{_QUOTED_STRING}[ \t]*+|[. \t{_ATEXT}]*+)<{_ADDR_SPEC}>|{_ADDR_SPEC})[ \t]*+"
)
_PLAIN_PATH = re.compile(_ADDR_SPEC)

_REMEMBERED = 4096  #: claims; they are values, and most messages make the same few


def envelope_claims(reverse_paths: Iterable[str], receive: DomainList) -> frozenset[Claim]:
    """Return the listed domains that the envelope claims.

    *reverse_paths* are spellings of one reverse-path: the argument of MAIL FROM as the client sent it (octets
    that are not UTF-8 as surrogates), and what Postfix resolved it to.  Empty ones claim nothing.
    """
    found: frozenset[Domain] = frozenset()
    last = ""
    for reverse_path in reverse_paths:
        if reverse_path in _NULL_PATHS:
            continue
        # Mostly one spelling has brackets around the other, and that is all.
        bare = reverse_path[1:-1] if reverse_path[:1] == "<" and reverse_path[-1:] == ">" else reverse_path
        if last and bare == last:
            continue
        if plain := _PLAIN_PATH.fullmatch(bare):
            last = bare
            found |= domain_readings(plain[1])
            continue
        # Without an at sign no grammar applies, and all host names are taken: host!user, user%host.
        if reverse_path.isascii():
            found |= _authors((reverse_path,))
        else:
            octets = _NO_OCTET.sub("\ufffd", reverse_path).encode(errors="surrogateescape")
            found |= _authors(_texts(octets))
    return _listed(found, receive, ENVELOPE)


def header_claims(
    name: str, value: bytes, receive: DomainList, allowance: Allowance | None = None
) -> frozenset[Claim]:
    """Return the listed domains that one header field claims; a field that names no author claims none.

    *value* is the field's body as received, folded or not; *allowance* is what its message has left, and
    there is no bound without.  Raises TooMuchError for a field that goes beyond it: which domains it claims
    is not known then.
    """
    source = name.strip().lower()
    if source not in HEADER_NAMES:
        return frozenset()
    texts = _texts(value)
    plain = _PLAIN_MAILBOX.fullmatch(texts[0]) if len(texts) == 1 else None
    if plain and "=?" not in texts[0]:
        # One mailbox, without a quoted local part, an escape or an octet that is not UTF-8.
        return _listed(domain_readings(plain[1] or plain[2], allowance), receive, source)
    found = _authors((*texts, *_switched(value)), allowance) | _in_quoted_local_parts(texts, allowance)
    for text in texts:
        if "=?" in text:
            found |= _decoded_authors(text, allowance)
    if len(texts) > 1 and receive.has_internationalised:
        found |= _unlabelled(value, allowance)
    return _listed(found, receive, source)


def hides_authors(name: str, value: bytes) -> bool:
    """Tell whether an author field names nobody whom we could read, and has something that we cannot.

    What we do not know how to decode may name anybody to a reader who does, also in the middle of a domain.
    """
    if name.strip().lower() not in HEADER_NAMES:
        return False
    return any(
        (not _NAMED_DOMAIN.search(without_words(text)) or _WORD_IN_A_DOMAIN.search(text))
        and has_undecodable(text)
        for text in _texts(value)
    )


def _unlabelled(octets: bytes, allowance: Allowance | None) -> frozenset[Domain]:
    """Return the host names in octets that are not UTF-8 and name no charset, by the charsets of old mail."""
    runs = set(_LABELLED_BY_NOBODY.findall(octets))
    if allowance is not None:
        allowance.take_unlabelled(runs)
    return host_names(*(run.decode(charset, "replace") for run in runs for charset in _OLD_CHARSETS))


def _texts(octets: bytes) -> tuple[str, ...]:
    try:
        return (octets.decode(),)
    except UnicodeDecodeError:
        # One wrong octet in the display name must not hide a domain that is good UTF-8.
        return octets.decode("latin-1"), octets.decode(errors="replace")


def _switched(octets: bytes) -> tuple[str, ...]:
    """Return what readers of old East Asian mail see, which has ISO 2022 without a label."""
    return (octets.decode("iso2022_jp_2", "ignore"),) if _ESCAPE_OCTET in octets else ()


def _authors(texts: Iterable[str], allowance: Allowance | None = None) -> frozenset[Domain]:
    found: frozenset[Domain] = frozenset()
    for text in texts:
        if plain := _PLAIN_MAILBOX.fullmatch(text):
            found |= domain_readings(plain[1] or plain[2], allowance)
        else:
            named = _named(text, allowance)
            found |= _in_unreadable(text, allowance) if named is None else named
    return found


def _in_unreadable(text: str, allowance: Allowance | None) -> frozenset[Domain]:
    """Return the host names in a text without a reading, also those that some readers join together.

    They drop white space, a comment, or a stray bracket, quote or comma, in the middle of a domain and go on.
    """
    forms = {text, _COMMENT.sub("", text), text.replace("%40", "@")}
    forms |= {one.translate(_STRAY) for one in forms}
    forms |= {one.translate(each) for one in forms for each in (_SPACES, _WHITE_SPACE)}
    return host_names(*forms, allowance=allowance)


def _decoded_authors(text: str, allowance: Allowance | None) -> frozenset[Domain]:
    """Return the authors that *text* shows once its encoded words are decoded.

    Where the decoded text cannot be read, the text as it stands decides how much that means: if it can be
    read, its words are display names, and only what looks like an address in them is taken.
    """
    readable = _named(text, allowance) is not None
    found: frozenset[Domain] = frozenset()
    unreadable = []
    for decoded in decodings(text, allowance):
        named = _named(decoded, allowance)
        if named is None:
            unreadable.append(decoded)
        else:
            found |= named
    return found | host_names(*unreadable, after_at_sign=readable, allowance=allowance)


def _named(text: str, allowance: Allowance | None) -> frozenset[Domain] | None:
    """Return the domains of the mailboxes in *text*; None: it cannot be read, or names nobody.

    Of a group without members a reader shows the name, as if it were the author's.
    """
    addresses = read_address_list(text)
    if addresses is None or not addresses.has_mailbox:
        return None
    return frozenset().union(*(domain_readings(one, allowance) for one in addresses.domains))


def _in_quoted_local_parts(texts: Iterable[str], allowance: Allowance | None) -> frozenset[Domain]:
    """Return the domains of addresses that stand whole in a quoted local part: some readers show these."""
    read = (read_address_list(text) for text in texts if '"' in text)
    quoted = {one for addresses in read if addresses for one in addresses.quoted}
    return host_names(*quoted, after_at_sign=True, allowance=allowance)


def _listed(domains: Iterable[Domain], receive: DomainList, source: str) -> frozenset[Claim]:
    found: frozenset[Claim] = frozenset()
    for domain in domains:
        if (entry := receive.match(domain)) is not None:
            found |= _claim(entry, domain, source)
    return found


@lru_cache(_REMEMBERED)
def _claim(entry: Entry, domain: Domain, source: str) -> frozenset[Claim]:
    return frozenset((Claim(entry, domain, source),))
