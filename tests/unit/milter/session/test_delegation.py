"""The grammar of the policy delegation protocol."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.milter.session.delegation import (
    REQUEST_LIMIT,
    DelegatedFacts,
    MalformedRequestError,
    RequestReader,
    decode_xtext,
    parse_request,
)

REQUEST = b"""request=smtpd_access_policy
protocol_state=DATA
queue_id=4F2C1A0B
client_address=127.0.0.3
client_port=40001
server_address=192.0.2.10
server_port=25
sender=admin@woodgrovebank.test
an_attribute_of_the_future=x=y
encryption_protocol=TLSv1.3
encryption_cipher=TLS_AES_256_GCM_SHA384
ccert_subject=mail.woodgrovebank.test
ccert_issuer=Lab+20CA+C3+A9
ccert_fingerprint=AB:CD
ccert_pubkey_fingerprint=

"""


def test_known_attributes_are_read_and_others_ignored() -> None:
    """Attributes come by name; empty is None; xtext is decoded."""
    facts = parse_request(REQUEST.rstrip(b"\n"))
    assert facts == DelegatedFacts(
        client_address="127.0.0.3",
        client_port="40001",
        queue_id="4F2C1A0B",
        encryption_protocol="TLSv1.3",
        encryption_cipher="TLS_AES_256_GCM_SHA384",
        ccert_fingerprint="AB:CD",
        ccert_pubkey_fingerprint=None,
        ccert_subject="mail.woodgrovebank.test",
        ccert_issuer="Lab CAé",
        server_address="192.0.2.10",
        server_port="25",
    )
    assert facts.key == ("192.0.2.10", "25", "127.0.0.3", "40001", "4F2C1A0B")


@given(st.lists(st.integers(0, 3 * len(REQUEST)), max_size=8))
def test_any_split_of_the_stream_gives_the_same_requests(cuts: list[int]) -> None:
    """Fed whole, octet by octet or anything between, three requests are three requests."""
    stream = REQUEST * 3
    edges = [0, *sorted(cuts), len(stream)]
    reader = RequestReader()
    facts = [fact for start, end in pairwise(edges) for fact in reader.feed(stream[start:end])]
    assert facts == [parse_request(REQUEST.rstrip(b"\n"))] * 3


# As Postfix 3.7 writes it.
IN_ORDER = [
    *("request", "protocol_state", "protocol_name", "client_address", "client_name", "client_port"),
    *("reverse_client_name", "server_address", "server_port", "helo_name", "sender", "recipient"),
    *("recipient_count", "queue_id", "instance", "size", "etrn_domain", "stress", "sasl_method"),
    *("sasl_username", "sasl_sender", "ccert_subject", "ccert_issuer", "ccert_fingerprint"),
    *("ccert_pubkey_fingerprint", "encryption_protocol", "encryption_cipher", "encryption_keysize"),
    "policy_context",
]
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=9)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=9), min_size=29, max_size=29
    ),
    st.sampled_from(["", "another", "queue_id", "client_port", "ccert_fingerprint", "encryption_protocol"]),
)
def test_the_order_of_postfix_means_what_any_other_does(values: list[str], last: str) -> None:
    """Its short cut gives the same facts, also where an attribute is told twice: the last one counts."""
    lines = [f"{name}={value}" for name, value in zip(IN_ORDER, values, strict=True)]
    again = [f"{last}=again"] if last else []
    facts = parse_request("\n".join(lines + again).encode())
    others = [line for line in lines if not line.startswith(f"{last}=")]
    assert facts == parse_request("\n".join([*again, *reversed(others)]).encode())
    for name in ("client_address", "client_port", "server_address", "server_port", "queue_id"):
        said = "again" if name == last else values[IN_ORDER.index(name)]
        assert getattr(facts, name) == said


def test_a_request_waits_for_its_empty_line() -> None:
    """Nothing is read before a request is whole."""
    reader = RequestReader()
    assert list(reader.feed(REQUEST[:-1])) == []
    assert len(list(reader.feed(b"\n"))) == 1


def test_what_is_not_the_protocol_is_refused() -> None:
    """A line without = and an endless request are errors."""
    with pytest.raises(MalformedRequestError, match="without '='"):
        list(RequestReader().feed(b"GET / HTTP/1.1\n\n"))
    with pytest.raises(MalformedRequestError, match=str(REQUEST_LIMIT)):
        list(RequestReader().feed(b"a=" + b"x" * REQUEST_LIMIT))


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_else(octets: bytes) -> None:
    """Whatever comes, it is a request or a MalformedRequestError."""
    try:
        list(RequestReader().feed(octets + b"\n\n"))
    except MalformedRequestError:
        return


@given(st.text())
def test_xtext_round_trip(text: str) -> None:
    """Every text survives xtext as Postfix writes it (RFC 3461 section 4)."""
    encoded = b"".join(
        bytes([octet]) if 33 <= octet <= 126 and octet not in b"+=" else b"+%02X" % octet
        for octet in text.encode("utf-8", "replace")
    )
    assert decode_xtext(encoded) == text.encode("utf-8", "replace").decode()
