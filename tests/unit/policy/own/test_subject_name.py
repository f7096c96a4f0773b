"""Subjects: both orders give one name, and nothing but a subject is taken for one."""

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.own.subject_name import InvalidSubjectError, parse_subject


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("DC=com,DC=Contoso,CN=mail1.contoso.com", "CN=mail1.contoso.com,DC=Contoso,DC=com"),
        ("CN=mail1.contoso.com,DC=Contoso,DC=com", "CN=mail1.contoso.com,DC=Contoso,DC=com"),
        ("C=us, S=WA, L=Redmond, O=contoso corp, CN=mail1", "CN=mail1,O=contoso corp,L=Redmond,ST=WA,C=US"),
        ("cn=mail1; ou=IT; o=Contoso", "CN=mail1,OU=IT,O=Contoso"),
        ("DC=contoso,DC=com", "DC=contoso,DC=com"),
        (r"CN=a,O=Contoso\, Inc.", r"CN=a,O=Contoso\, Inc."),
        ('CN=a,O="Contoso, \\"Inc.\\""', r"CN=a,O=Contoso\, \"Inc.\""),
        (r"CN=L\C4\8Di\C4\8D,O=x", "CN=Lčič,O=x"),
        ("CN=a+OU=b,O=c", "CN=a+OU=b,O=c"),
        (r"CN=a\ ,O=b", r"CN=a\ ,O=b"),
        ("", ""),
    ],
)
def test_both_orders_mean_one_name(text: str, meant: str) -> None:
    """RFC 4514 begins with the most specific part, Exchange with the most general one; both may quote."""
    assert parse_subject(text).rfc4514_string() == meant


@pytest.mark.parametrize(
    "text",
    [
        "mail.contoso.com",
        "CN=",
        "CN=a,",
        "CN=a,,O=b",
        "XY=a",
        "C=USA,CN=a",
        "CN=" + "a" * 65,
        "CN=a\nO=b",
        r"CN=a\00",
        r"CN=\ff",
        'CN="a',
        'CN="a" b',
        "CN=#0c0161",
        "CN=a+CN=a",
        "CN=a" * 1000,
        "1.2.3=a",
    ],
)
def test_what_is_no_subject(text: str) -> None:
    """Each is refused with a clause for a person."""
    with pytest.raises(InvalidSubjectError, match=r"\w+"):
        parse_subject(text)


@given(st.text(max_size=60))
def test_any_text_is_a_subject_or_refused(text: str) -> None:
    """No text raises anything else, and what is accepted is written and read as the same name."""
    try:
        name = parse_subject(text)
    except InvalidSubjectError:
        return
    assert x509.Name.from_rfc4514_string(name.rfc4514_string()) == name or not name.rdns


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=("C", "Z"), max_codepoint=0x2FF), min_size=1, max_size=9),
        min_size=2,
        max_size=2,
    )
)
def test_values_survive(values: list[str]) -> None:
    """A value, escaped as RFC 4514 says, comes back as it was."""
    written = ["".join(f"\\{each}" if each in ',;+"\\<>#=' else each for each in value) for value in values]
    name = parse_subject(f"CN={written[0]},O={written[1]}")
    assert [attribute.value for attribute in name] == values[::-1]
