"""The grammar of MTA-STS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.sending.mta_sts import (
    MAXIMUM_OCTETS,
    InvalidPolicyError,
    StsMode,
    StsPolicy,
    parse_policy,
    record_id,
)
from domain_secure.policy.terms.domain import Domain

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.test\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["other", "v=STSv1 ; id = 7 "], "7"),
        (["v=STSv1; extra=x; id=abc"], "abc"),
        ([], None),
        (["v=spf1 -all"], None),
        (["v=STSv11; id=1"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id="], None),
        (["v=STSv1; id=has-hyphen"], None),
        ([f"v=STSv1; id={'a' * 33}"], None),
        (["v=STSv1; id=1", "v=STSv1; id=2"], None),
        ([" v=STSv1; id=1"], None),
    ],
)
def test_records(texts: list[str], found: str | None) -> None:
    """One record with a version and an id; two are none."""
    assert record_id(texts) == found


def test_policy() -> None:
    """The form that RFC 8461 shows, with either line end."""
    expected = StsPolicy(StsMode.ENFORCE, ("mail.example.test", "*.example.net"), 604800)
    assert parse_policy(GOOD) == parse_policy(GOOD.replace(b"\r\n", b"\n")) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"STSv1", b"STSv2"), "version"),
        ((b"enforce", b"strict"), "mode"),
        ((b"mode: enforce\r\n", b""), "mode"),
        ((b"604800", b"-1"), "max_age"),
        ((b"604800", b"99999999"), "max_age"),
        ((b"604800", "\u0661".encode()), "max_age"),
        ((b"mx: mail.example.test", b"mx: bad host"), "line 3"),
        ((b"mx: mail.example.test", b"mx mail"), "line 3"),
        ((b"mx: mail.example.test\r\nmx: *.example.net\r\n", b""), "mx"),
        ((b"STSv1", b"STSv1\xff"), "UTF-8"),
        ((b"max_age", b"x: " + b"a" * MAXIMUM_OCTETS + b"\r\nmax_age"), "larger"),
    ],
)
def test_what_is_no_policy(change: tuple[bytes, bytes], reason: str) -> None:
    """Each with its reason."""
    with pytest.raises(InvalidPolicyError, match=reason):
        parse_policy(GOOD.replace(*change))


def test_the_first_of_a_repeated_field_counts() -> None:
    """Section 3.2."""
    assert parse_policy(GOOD + b"mode: none\r\n").mode is StsMode.ENFORCE


def test_policy_that_ends_a_policy_names_no_host() -> None:
    """Mode none needs no mx."""
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n").mx == ()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.test", True),
        ("a.example.net", True),
        ("example.net", False),
        ("a.b.example.net", False),
        ("mail.example.test.evil.test", False),
    ],
)
def test_hosts(host: str, allowed: bool) -> None:
    """A wildcard stands for one label."""
    assert parse_policy(GOOD).allows(Domain(host)) is allowed


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda noise: GOOD + noise))
def test_any_octets_are_a_policy_or_the_one_error(content: bytes) -> None:
    """Nothing else is raised, and no policy comes about without hosts unless it asks for nothing."""
    try:
        policy = parse_policy(content)
    except InvalidPolicyError:
        return
    assert policy.mx or policy.mode is StsMode.NONE


@given(st.lists(st.text(max_size=40), max_size=3))
def test_any_texts_are_read(texts: list[str]) -> None:
    """Strangers write TXT records."""
    found = record_id(texts)
    assert found is None or found.isalnum()
