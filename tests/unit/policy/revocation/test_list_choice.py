"""Which lists count, and which delta list amends which complete one, to the exact number and time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain_secure.policy.revocation.list_choice import amended, is_outrun, newest, without_base
from domain_secure.policy.revocation.revocation import RevocationList
from domain_secure.policy.revocation.statements import parse_revocation_list

from lab.certificates import Authority
from lab.revocations import revocation_list

COMPLETE = parse_revocation_list(revocation_list(Authority.create("Lab Root"), number=5))
LATER = COMPLETE.this_update + timedelta(seconds=1)


def delta(base: int, number: int | None, **changes: object) -> RevocationList:
    """Return a delta list of the same authority upon the list numbered *base*."""
    return replace(COMPLETE, digest="delta", base_number=base, number=number, **changes)  # type: ignore[arg-type]


def numbered(number: int | None, **changes: object) -> RevocationList:
    """Return a complete list of that number."""
    return replace(COMPLETE, digest=f"{number}", number=number, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (numbered(6), numbered(5)),
        (numbered(6), numbered(5, this_update=LATER)),
        (numbered(5, this_update=LATER), numbered(5)),
        (numbered(None, this_update=LATER), numbered(None)),
        (numbered(0), numbered(None)),
        (numbered(0), numbered(None, this_update=LATER)),
    ],
)
def test_the_newest_of_a_family(newer: RevocationList, older: RevocationList) -> None:
    """The number decides, then the time; a list without a number is older than any with one."""
    assert newest([newer, older]) == newest([older, newer]) == (newer,)


def test_of_equally_new_lists_the_first_counts() -> None:
    """So that the same lists in the same order give the same answer."""
    other = replace(COMPLETE, digest="other")
    assert newest([COMPLETE, other]) == (COMPLETE,)
    assert newest([other, COMPLETE]) == (other,)


@pytest.mark.parametrize("change", [{"issuer_octets": b"other"}, {"scope": b"other"}, {"base_number": 3}])
def test_lists_of_several_families(change: dict[str, object]) -> None:
    """Another authority, another scope and a delta list: none replaces the other, however new it is."""
    other = replace(numbered(9), **change)  # type: ignore[arg-type]
    assert newest([COMPLETE, other]) == (COMPLETE, other)


@pytest.mark.parametrize(
    ("base", "number", "amends", "outruns"),
    [
        (3, 4, False, False),
        (3, 5, True, False),
        (4, 6, True, False),
        (5, 5, True, False),
        (5, 6, True, False),
        (6, 6, False, True),
        (6, 7, False, True),
        (5, None, False, False),
    ],
)
def test_which_numbers_fit(base: int, number: int | None, *, amends: bool, outruns: bool) -> None:
    """A complete list from the delta list's base up to its own number; below lies a gap."""
    one = delta(base, number)
    (found,) = amended([COMPLETE, one])
    assert found.lists == ((COMPLETE, one) if amends else (COMPLETE,))
    assert amended([one, COMPLETE]) == (found,)
    assert is_outrun(COMPLETE, one) is outruns
    assert without_base([COMPLETE, one]) == ((one,) if outruns else ())
    assert without_base([one]) == (one,)
    assert amended([one]) == ()


@pytest.mark.parametrize(
    "change", [{"issuer_octets": b"other"}, {"scope": b"other"}, {"signing_key": b"other"}]
)
def test_delta_list_of_something_else(change: dict[str, object]) -> None:
    """It must share the authority, the key and the scope of its base, each of the three."""
    one = delta(5, 6, **change)
    (found,) = amended([COMPLETE, one])
    assert found.lists == (COMPLETE,)
    assert without_base([COMPLETE, one]) == (one,)
    assert not is_outrun(COMPLETE, delta(9, 9, **change))


def test_complete_list_without_a_number() -> None:
    """Nothing builds upon it, and every delta list is ahead of it, that upon number 0 too."""
    plain = numbered(None)
    for base in (-1, 0, 1):
        one = delta(base, 6)
        assert [found.delta for found in amended([plain, one])] == [None]
        assert is_outrun(plain, one)
        assert without_base([plain, one]) == (one,)


def test_list_numbered_zero() -> None:
    """Numbers begin there (RFC 5280 section 5.2.3)."""
    first, one = numbered(0), delta(0, 1)
    assert [found.delta for found in amended([first, one])] == [one]
    assert not is_outrun(first, one)
    assert is_outrun(first, delta(1, 1))
    assert without_base([first, one]) == ()


def test_delta_list_does_not_outrun_another() -> None:
    """It is complete lists that are fetched again for it."""
    assert not is_outrun(delta(1, 2), delta(5, 6))
