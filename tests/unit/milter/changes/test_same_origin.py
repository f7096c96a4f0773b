"""Which requests are of our own page."""

import pytest

from domain_secure.milter.changes.same_origin import FORM, foreign

OURS = {"host": "127.0.0.1:9797", "origin": "http://127.0.0.1:9797", "content-type": FORM}
NAMES = ("status.contoso.test",)


@pytest.mark.parametrize(
    ("headers", "is_tls"),
    [
        (OURS, False),
        (OURS | {"sec-fetch-site": "same-origin"}, False),
        (OURS | {"content-type": f"{FORM}; charset=utf-8"}, False),
        (OURS | {"host": "[::1]:9797", "origin": "http://[::1]:9797"}, False),
        (OURS | {"host": "Status.Contoso.test", "origin": "https://status.contoso.test"}, False),
        (OURS | {"host": "status.contoso.test:9797", "origin": "https://status.contoso.test:9797"}, True),
    ],
)
def test_ours(headers: dict[str, str], is_tls: bool) -> None:
    """By loopback, or a name that is configured; a proxy in front may speak TLS for us."""
    assert foreign(headers, NAMES, is_tls=is_tls) is None


@pytest.mark.parametrize(
    ("headers", "is_tls"),
    [
        ({key: value for key, value in OURS.items() if key != "origin"}, False),
        ({key: value for key, value in OURS.items() if key != "host"}, False),
        (OURS | {"origin": "null"}, False),
        (OURS | {"origin": "http://evil.test"}, False),
        (OURS | {"origin": "http://127.0.0.1:9798"}, False),
        (OURS | {"origin": "http://127.0.0.1:9797.evil.test"}, False),
        (OURS | {"origin": "http://evil.test@127.0.0.1:9797"}, False),
        (OURS | {"origin": "ftp://127.0.0.1:9797"}, False),
        (OURS | {"host": "evil.test:9797", "origin": "http://evil.test:9797"}, False),
        (OURS, True),
        (OURS | {"sec-fetch-site": "same-site"}, False),
        (OURS | {"sec-fetch-site": "cross-site"}, False),
        (OURS | {"sec-fetch-site": "none"}, False),
        (OURS | {"content-type": "text/plain"}, False),
        ({key: value for key, value in OURS.items() if key != "content-type"}, False),
    ],
)
def test_not_ours(headers: dict[str, str], is_tls: bool) -> None:
    """No origin, another one, a name that DNS gives to loopback, and what no form of ours sends."""
    assert foreign(headers, NAMES, is_tls=is_tls)
