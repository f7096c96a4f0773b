"""Destinations as Postfix writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.terms.nexthop import Nexthop


@pytest.mark.parametrize(
    ("text", "written", "by_mx", "port"),
    [
        ("[mx.partner.test]:25", "[mx.partner.test]:25", False, 25),
        ("[MX.Partner.Test.]", "[mx.partner.test]", False, 25),
        ("partner.test:587", "partner.test:587", True, 587),
        ("partner.test", "partner.test", True, 25),
        ("[192.0.2.1]:2525", "[192.0.2.1]:2525", False, 2525),
        ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]", False, 25),
        ("[bücher.test]:25", "[xn--bcher-kva.test]:25", False, 25),
    ],
)
def test_notations(text: str, written: str, by_mx: bool, port: int) -> None:
    """One spelling comes out, with brackets and port as they were."""
    nexthop = Nexthop.parse(text)
    assert (str(nexthop), nexthop.by_mx, nexthop.smtp_port) == (written, by_mx, port)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[a.test", "a.test]", "a.test:0", "a.test:65536", "a.test:x", "192.0.2.1", "[2001:db8::1]",
     "a b.test", "[a.test]:25:25", "smtp:[a.test]", "a.test,b.test"],
)  # fmt: skip
def test_what_is_no_destination(text: str) -> None:
    """A list, a transport in front, an address without brackets: Postfix reads them otherwise."""
    with pytest.raises(ValueError, match=r"."):
        Nexthop.parse(text)


@given(st.text(max_size=30))
def test_what_is_read_is_written_alike(text: str) -> None:
    """Reading again what was written changes nothing, and no blank or comma comes through."""
    try:
        nexthop = Nexthop.parse(text)
    except ValueError:
        return
    assert Nexthop.parse(str(nexthop)) == nexthop
    assert not set(str(nexthop)) & set(" ,\t{}")
