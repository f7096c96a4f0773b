"""Any mail server on the other side: what we make of each, what each makes of whoever says to be us.

Each is set up by what ``docs/interoperability.md`` tells a partner to paste, to the letter.
"""

import re
from collections.abc import Mapping

import pytest

from lab.foreign.guide import DOCUMENT, snippets
from lab.foreign.interoperability import (
    AUTHORITY,
    KINDS,
    NAME,
    NO_STARTTLS,
    NONE,
    NOT_OURS,
    RIGHT,
    SELF_SIGNED,
    THEIR_CLIENT,
    THEIR_SERVER,
    THEY_SEND,
    WE_SEND,
    Case,
    Tried,
    compared,
    documented,
    in_words,
    tables,
    try_all,
)

pytestmark = pytest.mark.real

_NOT_VERIFIED = "waits: Server certificate not verified"
#: What must become of mail, whatever software the partner runs.
MUST = {
    THEY_SEND: {
        RIGHT: "delivered, marked `pass` by pkix",
        NONE: "refused: 550 5.7.5 `no-certificate`",
        NAME: "refused: 550 5.7.5 `name-mismatch`",
        # Its issuer may be one that we only have not seen yet.
        AUTHORITY: "waits: 451 4.7.5 `unknown-certificate`",
        SELF_SIGNED: "refused: 550 5.7.5 `untrusted`",
    },
    WE_SEND: {
        RIGHT: "delivered, over verified TLS",
        NONE: "waits: TLS is required, but was not offered",
        NAME: _NOT_VERIFIED,
        AUTHORITY: _NOT_VERIFIED,
        SELF_SIGNED: _NOT_VERIFIED,
    },
}
#: An Exim without a certificate makes one for itself.
EXCEPT = {Case("Exim", WE_SEND, NONE): _NOT_VERIFIED}

_KEPT = {NAME: "waits", AUTHORITY: "waits", NO_STARTTLS: "waits"}
_HANDSHAKE = "waits: the handshake fails"


def _asked_of_us(refusal: str) -> dict[str, str]:
    return {RIGHT: "delivered", NONE: refusal, NAME: refusal, AUTHORITY: refusal, NOT_OURS: "delivered"}


_REFUSED = _asked_of_us("refused: 550 5.7.1")
#: What each server must do, and what it cannot do, with whoever is in our place.
THEIRS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "Exim": {THEIR_CLIENT: _KEPT, THEIR_SERVER: _REFUSED},
    "OpenSMTPD": {
        THEIR_CLIENT: _KEPT,
        # It looks at no name.
        THEIR_SERVER: _asked_of_us("refused") | {NAME: "delivered"},
    },
    "Sendmail": {
        THEIR_CLIENT: dict.fromkeys(_KEPT, "waits: 403 4.7.0"),
        THEIR_SERVER: _REFUSED,
    },
    # Python's TLS ends a session whose certificate nobody vouches for.
    "aiosmtpd": {THEIR_CLIENT: _KEPT, THEIR_SERVER: _REFUSED | {AUTHORITY: _HANDSHAKE}},
    # It looks at no name.
    "swaks": {THEIR_CLIENT: _KEPT | {NAME: "delivered"}},
    "Exchange Online (stand-in)": {
        THEIR_CLIENT: {
            NAME: "waits: 450 4.4.317",
            AUTHORITY: "waits: 450 4.7.320",
            NO_STARTTLS: "waits: 450 4.4.317",
        },
        THEIR_SERVER: _asked_of_us("refused: 550 5.7.51"),
    },
}


def _cells() -> list[tuple[Case, str]]:
    cells = []
    for kind in KINDS:
        for way in (THEY_SEND, WE_SEND) if kind.receives else (THEY_SEND,):
            for shown, must in MUST[way].items():
                case = Case(kind.name, way, shown)
                cells.append((case, EXCEPT.get(case, must)))
    return cells


def _their_cells() -> list[tuple[Case, str]]:
    return [
        (Case(server, way, who), must)
        for server, ways in THEIRS.items()
        for way, cells in ways.items()
        for who, must in cells.items()
    ]


def _id(value: object) -> str:
    return f"{value.server}, {value.way}, {value.shown}" if isinstance(value, Case) else ""


@pytest.fixture(scope="module")
def tried() -> Tried:
    """Everything, tried once."""
    return try_all()


def _has(tried: Tried, case: Case) -> None:
    if reason := tried.left_out.get(case.server):
        pytest.skip(f"left out: {case.server}: {reason}")


def test_there_are_forty_cells_and_more() -> None:
    """Five mail servers in both directions with four kinds of certificates, and what else there is."""
    both = {kind.name for kind in KINDS if kind.receives}
    assert len(both) == 5
    assert sum(case.server in both and case.shown != SELF_SIGNED for case, _ in _cells()) == 40


@pytest.mark.parametrize(("case", "must"), _cells(), ids=_id)
def test_what_becomes_of_mail(tried: Tried, case: Case, must: str) -> None:
    """Secured and delivered with the right certificate; with any other refused with a reason, or it waits."""
    _has(tried, case)
    assert in_words(tried.ours[case]) == must, tried.ours[case]


@pytest.mark.parametrize(("case", "must"), _their_cells(), ids=_id)
def test_what_the_snippets_demand_of_us(tried: Tried, case: Case, must: str) -> None:
    """What a partner pastes keeps mail from whoever is not us, as far as his software can."""
    _has(tried, case)
    assert in_words(tried.theirs[case]) == must, tried.theirs[case]


def test_nothing_else_was_tried(tried: Tried) -> None:
    """Each outcome is one that is judged."""
    assert set(tried.ours) <= {case for case, _ in _cells()}
    assert set(tried.theirs) <= {case for case, _ in _their_cells()}


def test_the_document_has_what_was_seen(tried: Tried) -> None:
    """The tables are those of this run: `./dev interoperability` writes them."""
    assert compared(documented(DOCUMENT.read_text()), tried.left_out) == compared(tables(tried))


def test_each_snippet_is_one_that_was_tried() -> None:
    """No fence of the document is left to the reader alone."""
    fences = re.findall(r"(?m)^```\w+", DOCUMENT.read_text())
    assert len(fences) == sum(len(snippets(kind.heading)) for kind in KINDS)
