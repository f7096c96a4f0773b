"""Which properties of Exchange are known."""

import pytest

from domain_secure.policy.importing.exchange_properties import MARKS, READ, WITHOUT_BEARING, Kind


@pytest.mark.parametrize("kind", Kind)
def test_names_are_those_of_the_shell_in_lower_case(kind: Kind) -> None:
    """Objects are asked by names without regard to case; one in capitals would never be found."""
    for names in (MARKS[kind], READ[kind], WITHOUT_BEARING[kind]):
        assert names
        assert all(name.isascii() and name.isalnum() and name == name.casefold() for name in names)


@pytest.mark.parametrize("kind", Kind)
def test_nothing_that_demands_is_set_aside(kind: Kind) -> None:
    """A property about security that nobody goes by is told to be unknown, and not passed over."""
    words = ("tls", "domainsecure", "certificatename", "authmechanism")
    # Of Exchange's own servers among themselves, and how we log in at a relay.
    besides = {"suppressxanonymoustls", "smarthostauthmechanism"}
    aside = WITHOUT_BEARING[kind] - besides
    assert not [name for name in aside for word in words if word in name]


@pytest.mark.parametrize("kind", Kind)
def test_what_is_read_tells_the_kinds_apart(kind: Kind) -> None:
    """Each kind has marks among what is gone by, or among what every object of it prints."""
    assert MARKS[kind] & (READ[kind] | WITHOUT_BEARING[kind])
    assert kind.startswith("Get-")
