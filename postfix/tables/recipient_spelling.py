"""Recipients' domains in other spellings of a listed name, as rules for virtual_alias_maps.

Owns: which texts IDNA takes for a listed name though they are written with other characters, and the rules
by which cleanup(8) brings them into the spelling of our tables, before a route is looked up.
Must not know: files; domains that are not listed.

smtp(8) finds a domain's servers by its UTS 46 form.  With a letter in full width, or with an ideographic full
stop, a name is the same to DNS and another key to every table.  A list of all spellings is endless; the
characters are few.  Each rule replaces one by what UTS 46 maps it to, so that the name stays the same to DNS
at every step, whoever's it is.  Postfix repeats until no rule applies (virtual(5),
virtual_alias_recursion_limit).

Postfix ends that as soon as an address differs from an earlier one in case alone.  What a fold of case would
also change is therefore replaced together with a soft hyphen behind it, which goes last, in pairs before
singles: no address on the way is an earlier one in other letters.

Sources: UTS 46 sections 4 and 5; UAX 15 (composition); RFC 6531 section 3.2 (a domain is written in
U-labels, which such spellings are not); virtual(5), regexp_table(5); postconf(5)
enable_idna2003_compatibility.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby, permutations
from operator import itemgetter

import idna

#: What the rules must answer, for whatever names they are.
SPELLING_SAMPLES = (("a@b.ｔest", "a@b.test"), ("a@b。test", "a@b.test"))

_SOFT_HYPHEN = "\u00ad"
_LETTERS_DIGITS_HYPHEN = re.compile(r"[a-z0-9.-]*\Z")
# Where characters are mapped to others.  Between these blocks lie ideographs, Hangul syllables, surrogates
# and Tangut, which are not, and planes without characters.
_BLOCKS = (
    (0x80, 0x3400),
    (0xA000, 0xAC00),
    (0xE000, 0x17000),
    (0x18D00, 0x20000),
    (0x2F800, 0x2FA20),
    (0xE0000, 0xE0200),
)
#: What IDNA 2003 mapped and UTS 46 now keeps, its "deviation characters".
_DEVIATIONS = {"ß": "ss", "ς": "σ", "\u200c": "", "\u200d": ""}
_MOST_MARKS = 4  #: of one letter whose orders are all tried


def spelling_rules(names: Iterable[str], *, transitional: bool) -> Iterator[str]:
    """Yield the rules, ``pattern<TAB>result``, for every spelling of *names*, which are in U-labels.

    *transitional*: whether Postfix reads ß and three others as IDNA 2003 did
    (``enable_idna2003_compatibility``).  Nothing that is written in ASCII alone is matched.
    """
    wanted = _characters(names)
    written = _written_as(transitional)
    yield r"if /@[^@]*[^ -~@][^@]*$/"
    by_result = {
        result: sources
        for result, sources in written.items()
        if result
        and (_LETTERS_DIGITS_HYPHEN.match(result) or all(one in wanted or one.isascii() for one in result))
    }
    for result, sources in by_result.items():
        if folded := [one for one in sources if one.casefold() == result.casefold()]:
            yield _rule(_any_of(folded), result + _SOFT_HYPHEN)
    for result, sources in by_result.items():
        if others := [one for one in sources if one.casefold() != result.casefold()]:
            yield _rule(_any_of(others), result)
    for result in sorted(wanted):
        if sequences := _sequences(result):
            yield _rule(_any_of(sequences), result)
    ignored = _any_of(written[""])
    yield _rule(f"({ignored})({ignored})", "")
    yield _rule(f"({ignored})", "")
    yield "endif"


def _rule(pattern: str, result: str) -> str:
    """Return the rule that puts *result* in the place of the last text in the domain that fits *pattern*."""
    return f"/^(.*@[^@]*){pattern}([^@]*)$/\t${{1}}{result}${{{pattern.count('(') + 2}}}"


def _any_of(texts: Iterable[str]) -> str:
    """Return a pattern for any of *texts*, the longest there is, with as few nodes as can be.

    Postfix matches octets, and regcomp(3) takes some hundred octets of memory for each node.
    """
    return _octets(sorted({one.encode() for one in texts})).decode(errors="surrogateescape")


def _octets(texts: Sequence[bytes]) -> bytes:
    ends = bytes(one[0] for one in texts if len(one) == 1)
    rests: dict[bytes, list[int]] = {}
    for first, group in groupby((one for one in texts if len(one) > 1), key=itemgetter(0)):
        rests.setdefault(_octets([one[1:] for one in group]), []).append(first)
    branches = [_one_of(bytes(firsts)) + rest for rest, firsts in rests.items()]
    if ends:
        branches.append(_one_of(ends))
    return branches[0] if len(branches) == 1 else b"(" + b"|".join(branches) + b")"


def _one_of(octets: bytes) -> bytes:
    """Return a bracket expression, runs in it as ranges; all octets are beyond ASCII, or one letter."""
    if len(octets) == 1:
        return octets
    runs: list[list[int]] = []
    for octet in octets:
        if runs and octet == runs[-1][1] + 1:
            runs[-1][1] = octet
        else:
            runs.append([octet, octet])
    spans = (
        bytes([first]) if first == last else bytes([first]) + b"-" + bytes([last]) for first, last in runs
    )
    return b"[" + b"".join(spans) + b"]"


def _characters(names: Iterable[str]) -> frozenset[str]:
    """Return the letters of *names* beyond ASCII, each with its marks, and what they are composed of."""
    found: set[str] = set()
    new = {cluster for name in names if not name.isascii() for cluster in _clusters(name)}
    while new:
        found |= new
        parts = {part for one in new for text in _sequences(one) for part in (*text, *_clusters(text))}
        new = {part for part in parts if not part.isascii()} - found
    return frozenset(found)


def _clusters(text: str) -> Iterator[str]:
    """Yield the letters of *text*, each with the marks behind it."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or not unicodedata.combining(text[index]):
            if not text[start:index].isascii():
                yield text[start:index]
            start = index


def _sequences(letter: str) -> set[str]:
    """Return the other ways to write *letter* that are canonically the same (UAX 15)."""
    decomposed = unicodedata.normalize("NFD", letter)
    base, rest = decomposed[0], decomposed[1:]
    marks = [one for one in rest if unicodedata.combining(one)]
    orders = permutations(rest) if len(marks) == len(rest) and len(rest) <= _MOST_MARKS else [tuple(rest)]
    found = set()
    for order in orders:
        for composed in range(len(order) + 1):
            head = unicodedata.normalize("NFC", base + "".join(order[:composed]))
            text = head + "".join(order[composed:])
            if unicodedata.normalize("NFC", text) == letter:
                found.add(text)
    return found - {letter}


@cache
def _written_as(transitional: bool) -> Mapping[str, Collection[str]]:
    """Return the characters that UTS 46 maps to something else, by what it maps them to."""
    found = defaultdict(list)
    for character, mapped in _DEVIATIONS.items() if transitional else ():
        found[mapped].append(character)
    for character in (chr(code) for block in _BLOCKS for code in range(*block)):
        try:
            mapped = idna.uts46_remap(character, std3_rules=False)
        except idna.IDNAError:
            continue  # Postfix finds no server for a name with it.
        if mapped != character:
            found[mapped].append(character)
    return found
