"""The grammar of author fields: which mailbox domains does an address list name, if it can be read at all.

Owns: RFC 5322 section 3.4 with the obsolete forms of section 4.4, and RFC 6532's characters beyond ASCII.
Must not know: encoded words, internationalised names, lists of domains.

A text is cut into tokens once; the rules of structure are then patterns over the string that has one letter
for each token.  Both passes only go forward, comments are counted and not nested calls, so that the time is
linear in the text, whatever a stranger wrote.

Invariant: None means "cannot be read".  What this module accepts has one reading by the grammar, apart from
white space inside a domain, where every piece is reported too.
"""

import re
from itertools import pairwise
from typing import NamedTuple

# FWS = ([*WSP CRLF] 1*WSP) / obs-FWS                                                RFC 5322 section 3.2.2
#   Postfix passes LF alone.
_FOLD = re.compile(r"\r?\n(?=[ \t]|\Z)")

# obs-NO-WS-CTL is deliberately not taken: nobody agrees on what a control character in an address means.
# Nor are U+202D and U+202E, which have a reader see the characters in another order.
_UNREADABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202d\u202e]")

# atext = ALPHA / DIGIT / "!" / "#" / ... / "~" / UTF8-non-ascii             RFC 5322 section 3.2.3, RFC 6532
# quoted-string = DQUOTE *([FWS] (qtext / quoted-pair)) [FWS] DQUOTE                 RFC 5322 section 3.2.4
# domain-literal = "[" *([FWS] dtext) [FWS] "]"                                      RFC 5322 section 3.4.1,
#   narrowed to the IPv4 and IPv6 literals of RFC 5321 section 4.1.3: "[woodgrovebank.test]" must not pass
#   as something without a name.
_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)
    |(?P<a>[^\x00-\x20\x7f()<>\[\]:;@\\,."]+)
    |(?P<q>"[^"\\]*+(?:\\.[^"\\]*+)*")
    |(?P<l>\[[ \t]*+(?:[0-9.]++|[Ii][Pp][Vv]6:[0-9A-Fa-f:]++[0-9.]*+)[ \t]*+\])
    |(?P<special>[.@<>,:;])""",
    re.VERBOSE,
)

# comment = "(" *([FWS] ccontent) [FWS] ")"                                          RFC 5322 section 3.2.2
_COMMENT_MARK = re.compile(r"\\.|[()]")
_PARENTHESIS = re.compile(r"([()])")

# The letters: a atom, q quoted-string, l domain-literal; a special stands for itself.  CFWS is left out.
#
# domain = dot-atom / domain-literal / obs-domain; obs-domain = atom *("." atom)     RFC 5322 section 4.4
#   and one final dot, which RFC 5322 lacks and people write.
_DOMAIN = r"(?:a(?:\.a)*\.?|l)"

# local-part = dot-atom / quoted-string / obs-local-part; obs-local-part = word *("." word)
#   Dots may also be doubled or stand at either end: Japanese mobile operators gave out such addresses.
_LOCAL_PART = r"\.*[aq](?:\.+[aq])*\.*"

# addr-spec = local-part "@" domain                                                  RFC 5322 section 3.4.1
_ADDR_SPEC = rf"{_LOCAL_PART}@{_DOMAIN}"

# obs-route = obs-domain-list ":"                                                    RFC 5322 section 4.4
# obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])
_OBS_ROUTE = rf",*@{_DOMAIN}(?:,(?:@{_DOMAIN})?)*:"

# angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr                      RFC 5322 section 3.4
_ANGLE_ADDR = rf"<(?:{_OBS_ROUTE})?{_ADDR_SPEC}>"

# mailbox = name-addr / addr-spec; name-addr = [display-name] angle-addr
# display-name = phrase; obs-phrase = word *(word / "." / CFWS)
_MAILBOX = re.compile(rf"[aq.]*+{_ANGLE_ADDR}|{_ADDR_SPEC}")

# group = display-name ":" [group-list] ";" [CFWS]                                   RFC 5322 section 3.4
_GROUP_START = re.compile(r"[aq.]++:")

_AT_DOMAIN = re.compile(rf"@({_DOMAIN})")
_QUOTED_LOCAL_PART = re.compile(r"q(?=(?:\.+[aq])*+\.*+@)")


class AddressList(NamedTuple):
    """What an address list says about who is meant."""

    domains: tuple[str, ...]  #: as written, without CFWS; each once, in order
    has_mailbox: bool  #: false for a group without members, and for nothing at all
    quoted: tuple[str, ...] = ()  #: quoted local parts with an at sign: some readers show the address inside


class _Tokens(NamedTuple):
    kinds: str  #: one letter for each token
    texts: list[str]
    after_space: list[bool]  #: whether CFWS stands before the token


def unfold(text: str) -> str:
    """Return *text* without the line ends of folding; the white space stays (RFC 5322 section 2.2.3)."""
    return _FOLD.sub("", text) if "\n" in text else text


def read_address_list(text: str) -> AddressList | None:
    """Return the domain of every mailbox in *text*; None: it cannot be read.

    Members of groups and the hosts of source routes are included, address literals are not.  A domain with
    CFWS inside is given whole and in its pieces, because not every reader joins them.
    """
    text = unfold(text)
    tokens = None if _UNREADABLE.search(text) else _lex(text)
    if tokens is None or not _is_address_list(tokens.kinds):
        return None
    found: dict[str, None] = {}
    for match in _AT_DOMAIN.finditer(tokens.kinds):
        start, end = match.span(1)
        if tokens.kinds[start] != "l":
            found.update(dict.fromkeys(_pieces(tokens, start, end)))
    quoted = (tokens.texts[match.start()] for match in _QUOTED_LOCAL_PART.finditer(tokens.kinds))
    return AddressList(tuple(found), "@" in tokens.kinds, tuple(one for one in quoted if "@" in one))


def without_comments(text: str) -> str:
    """Return a text that cannot be read without what stands in matching parentheses; others stay."""
    kept: list[str] = []
    opened: list[int] = []
    for piece in _PARENTHESIS.split(text):
        if piece == ")" and opened:
            del kept[opened.pop() :]
        else:
            if piece == "(":
                opened.append(len(kept))
            kept.append(piece)
    return "".join(kept)


def _lex(text: str) -> _Tokens | None:
    kinds: list[str] = []
    texts: list[str] = []
    after_space: list[bool] = []
    position, spaced = 0, False
    following = _TOKEN.scanner(text).match  # type: ignore[attr-defined] # typeshed has it not
    while position < len(text):
        match = following()
        if match is None:
            end = _end_of_comment(text, position) if text[position] == "(" else None
            if end is None:
                return None
            following = _TOKEN.scanner(text, end).match  # type: ignore[attr-defined]
            position, spaced = end, True
            continue
        position = match.end()
        kind = str(match.lastgroup)
        if kind != "space":
            kinds.append(match[0] if kind == "special" else kind)
            texts.append(match[0])
            after_space.append(spaced)
        spaced = kind == "space"
    return _Tokens("".join(kinds), texts, after_space)


def _end_of_comment(text: str, start: int) -> int | None:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        if mark[0] == "(":
            depth += 1
        elif mark[0] == ")":
            depth -= 1
            if not depth:
                return mark.end()
    return None


def _is_address_list(kinds: str) -> bool:
    """Tell whether the tokens are an address list.

    address-list = (address *("," address)) / obs-addr-list                            RFC 5322 section 3.4
    obs-addr-list has empty elements as well.
    """
    position, in_group, needs_comma = 0, False, False
    while position < len(kinds):
        if kinds[position] == ",":
            position, needs_comma = position + 1, False
        elif kinds[position] == ";" and in_group:
            position, in_group, needs_comma = position + 1, False, True
        elif needs_comma:
            return False
        elif mailbox := _MAILBOX.match(kinds, position):
            position, needs_comma = mailbox.end(), True
        elif not in_group and (group := _GROUP_START.match(kinds, position)):
            position, in_group = group.end(), True
        else:
            return False
    return not in_group


def _pieces(tokens: _Tokens, start: int, end: int) -> list[str]:
    """Return the domain of the tokens from *start* to *end*, then the pieces that CFWS cuts it into."""
    whole = "".join(tokens.texts[start:end])
    cuts = [start, *(index for index in range(start + 1, end) if tokens.after_space[index]), end]
    if len(cuts) == 2:
        return [whole]
    pieces = ("".join(tokens.texts[a:b]).strip(".") for a, b in pairwise(cuts))
    return [whole, *(piece for piece in pieces if piece)]
