"""Which names of a certificate count, for one host and for people."""

import pytest

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.presented_names import names_host, names_of, some

from lab.certificates import self_signed


def test_names() -> None:
    """The host names, in order; the common name where there are none; nothing where that is missing too."""
    both = parse(self_signed("a.test", dns_names=["c.test", "b.test"]).der)
    assert names_of(both) == ("c.test", "b.test")
    assert names_of(parse(self_signed("a.test").der)) == ("a.test",)
    assert names_of(parse(self_signed().der)) == ()


@pytest.mark.parametrize(
    ("presented", "host", "fits"),
    [
        ("mail.a.test", "mail.a.test", True),
        ("MAIL.A.test.", "mail.a.test", True),
        ("mail.a.test..", "mail.a.test", False),
        (".mail.a.test", "mail.a.test", False),
        ("a.test", "mail.a.test", False),
        ("mail.a.test", "a.test", False),
        ("*.a.test", "mail.a.test", True),
        ("*.A.TEST.", "mail.a.test", True),
        ("*.a.test", "a.test", False),
        ("*.a.test", "one.mail.a.test", False),
        ("*.test", "mail.a.test", False),
        ("*.com", "a.com", False),
        ("*.b.test", "mail.a.test", False),
        ("m*.a.test", "mail.a.test", False),
        ("*", "mail.a.test", False),
        ("", "mail.a.test", False),
    ],
)
def test_name_of_one_host(presented: str, host: str, *, fits: bool) -> None:
    """Its own, or a wildcard in place of its first label (RFC 9525 section 6.3), however it is written."""
    assert names_host(presented, host) is fits


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "no host"),
        (1, "0.test"),
        (2, "0.test, 1.test"),
        (5, "0.test, 1.test, 2.test, 3.test, 4.test"),
        (6, "0.test, 1.test, 2.test, 3.test, 4.test and 1 more"),
        (12, "0.test, 1.test, 2.test, 3.test, 4.test and 7 more"),
    ],
)
def test_some_of_many(number: int, text: str) -> None:
    """Five are told, and how many more there are."""
    assert some([f"{position}.test" for position in range(number)]) == text
