"""One server, however its name is spelled."""

import pytest

from domain_secure.postfix.log_lines.peer_name import host_of, peer_key


@pytest.mark.parametrize(
    "spelling",
    [
        "mail.bücher.test[2001:db8::1]:25",
        "MAIL.BÜCHER.TEST[2001:DB8::1]:25",
        "mail.xn--bcher-kva.test.[2001:db8::1]:25",
        "mail.XN--BCHER-KVA.test[2001:db8::1]:25",
    ],
)
def test_spellings_of_one_server(spelling: str) -> None:
    """Case, a dot at the end, U-labels and A-labels."""
    assert peer_key(spelling) == "mail.xn--bcher-kva.test[2001:db8::1]:25"
    assert host_of(spelling) == "mail.xn--bcher-kva.test"


@pytest.mark.parametrize("other", ["mail.x.test[192.0.2.1]:26", "mail.x.test[192.0.2.2]:25", "none", ""])
def test_others_are_others(other: str) -> None:
    """Another address or port is another server, and what is no server is itself."""
    assert peer_key(other) == other
    assert peer_key(other) != peer_key("mail.x.test[192.0.2.1]:25")
