"""Addresses that are written to by a machine."""

import pytest

from domain_secure.policy.terms.mailbox import Mailbox


def test_a_plain_address() -> None:
    """The domain is in normal form, the local part as written."""
    found = Mailbox.parse("Some.One+x@Woodgrovebank.TEST")
    assert str(found) == "Some.One+x@woodgrovebank.test"
    assert found.folded == "some.one+x@woodgrovebank.test"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b.test", "a@b", "a@b.test ", "a b@c.test", "a@b@c.test", '"a"@b.test', "a@[192.0.2.1]",
     "a..b@c.test", ".a@b.test", "a@b..test", "a@b.test\n", "<a@b.test>", "a@b.12", "ä@b.test", "a@ä.test",
     "a" * 65 + "@b.test", "a@" + "b." * 126 + "test"],
)  # fmt: skip
def test_what_is_not_plain(text: str) -> None:
    """Quoted, routed, literal, not ASCII, too long."""
    with pytest.raises(ValueError, match=r"address|domain"):
        Mailbox.parse(text)
