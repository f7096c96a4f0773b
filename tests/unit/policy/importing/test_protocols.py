"""Lists of TLS versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.importing.protocols import minimum_keys
from domain_secure.policy.terms.tls import TlsVersion


@pytest.mark.parametrize(
    ("written", "keys", "differences"),
    [
        ("", {}, 0),
        (">=TLSv1.2", {}, 0),
        (">=0304", {"minimum_tls": "TLSv1.3"}, 0),
        ("TLSv1.3", {"minimum_tls": "TLSv1.3"}, 0),
        ("!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", {}, 0),
        ("!SSLv2:!SSLv3", {}, 1),
        ("TLSv1.2", {}, 1),
        ("TLSv1.2:TLSv1.3", {}, 0),
        ("<=TLSv1", {}, 2),
        ("tlsv1.0", {}, 2),
        ("<TLSv1.2", {}, 1),
        (">=TLSv4", {}, 1),
    ],
)
def test_a_list_of_versions(written: str, keys: dict[str, str], differences: int) -> None:
    """The lowest one counts, where it is above ours; all else is a difference."""
    found = minimum_keys(written)
    assert (found.keys, len(found.differences)) == (keys, differences)


@given(st.lists(st.sampled_from([*map(str, TlsVersion), *(f"!{one}" for one in TlsVersion), "x"])))
def test_nothing_weaker_is_proposed(words: list[str]) -> None:
    """Whatever is written, what is proposed is above our default."""
    minimum = minimum_keys(":".join(words)).keys.get("minimum_tls")
    assert minimum is None or TlsVersion.parse(minimum) > TlsVersion.TLS_1_2
