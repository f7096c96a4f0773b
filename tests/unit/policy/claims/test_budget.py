"""How much of a message's author fields is read, whatever they hold."""

from contextlib import suppress

import pytest

from domain_secure.policy.claims.budget import MAXIMUM_AUTHOR_OCTETS, Allowance, TooMuchError
from domain_secure.policy.claims.claims import header_claims
from domain_secure.policy.terms.lists import DomainList

from unit.lines_run import lines_run

LISTED = DomainList.of("woodgrovebank.test", "xn--bcher-kva.test")
MOST_LINES = 300_000  #: of Python, for one message; the grammar takes some 150,000 for one token an octet

#: Many different ones of each, such as names that have to be encoded, or decoded.
BEYOND = {
    "words": "".join(f"=?utf-8?q?{number}?=" for number in range(900)).encode(),
    "words in words": b"=?utf-8?q?" + b"=3D=3Fa=3Fq=3Fb=3F=3D" * 700 + b"?=",
    "labels": ", ".join(f"a@ä{number}.test" for number in range(900)).encode(),
    "A-labels": ", ".join(f"a@xn--{number}-0ca.test" for number in range(600)).encode(),
    "names without a reading": ("<" + " ".join(f"ä{number}.ö{number}" for number in range(900))).encode(),
    "charsets": b", ".join(b"a@\xe4%d.test" % number for number in range(900)),
    "letters": b"<" + bytes(range(0x80, 0x100)) * 127,
}
#: Whole budgets of octets that are read to the end.
WITHIN = [
    "@",
    "(a)@",
    '"\\',
    "a:b@c.test;,",
    "<@a.test,@b.test:c@d.test>,",
    ",",
    "a@b.test, ",
    "a%40b.test ",
    "(",
]


@pytest.mark.parametrize("kind", BEYOND)
def test_what_is_read_in_many_ways_has_a_bound_of_its_own(kind: str) -> None:
    """Sixteen kilobytes of it say which domains are claimed to nobody: the message is too much."""
    value = BEYOND[kind]
    assert len(value) <= MAXIMUM_AUTHOR_OCTETS
    with pytest.raises(TooMuchError):
        header_claims("From", value, LISTED, Allowance())


@pytest.mark.parametrize("kind", [kind for kind in BEYOND if kind != "words in words"])
def test_the_bound_is_that_of_all_fields_of_a_message(kind: str) -> None:
    """In pieces it is no more: a hundred fields share what one may have."""
    value, allowance = BEYOND[kind], Allowance()
    pieces = [value[start : start + 400] for start in range(0, len(value), 400)]

    def read() -> None:
        for piece in pieces * 3:
            header_claims("From", piece, LISTED, allowance)

    with pytest.raises(TooMuchError):
        read()


@pytest.mark.parametrize("value", [*BEYOND.values(), *(unit.encode() * 8000 for unit in WITHIN)])
def test_one_message_takes_so_much_work_at_most(value: bytes) -> None:
    """Nothing that a stranger writes keeps the thread of all sessions busy."""

    def read() -> None:
        with suppress(TooMuchError):
            header_claims("From", value[:MAXIMUM_AUTHOR_OCTETS], LISTED, Allowance())

    assert lines_run(read) <= MOST_LINES


@pytest.mark.parametrize(
    "value",
    [
        ", ".join(f"=?utf-8?q?J=C3=B6rg_{number}?= <joerg{number}@fabrikam.test>" for number in range(150)),
        ", ".join(f"Jörg {number} <joerg{number}@bücher.test>" for number in range(200)),
        ", ".join(f"Jörg {number} <joerg{number}@bücher{number % 10}.test>" for number in range(60)),
        "Jörg Müller, Abteilung Einkauf (Süd). <joerg@bücher.test>" * 20,
    ],
)
def test_long_fields_that_people_write_are_read(value: str) -> None:
    """Hundreds of authors with names in their own letters are within the bounds."""
    header_claims("From", value.encode(), LISTED, Allowance())
    header_claims("From", value.encode("latin-1"), DomainList.of("woodgrovebank.test"), Allowance())
