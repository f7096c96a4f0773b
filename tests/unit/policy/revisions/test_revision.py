"""Revisions as they stand in the store: what is read is what was written, or an error."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.revisions.revision import MAXIMUM_OCTETS, Envelope, PublicKey, Text

from unit.policy.revisions import NOW, revision

KEY = Ed25519PrivateKey.generate()
PUBLIC = PublicKey.of(KEY)


def test_written_and_read_again() -> None:
    """With a signature and without one a revision survives the way through the store."""
    for envelope in (Envelope(revision(7)), Envelope(revision(7, settles=True)).signed(KEY)):
        assert Envelope.parse(envelope.octets()) == envelope
    assert Envelope.parse(Envelope(revision()).signed(KEY).octets()).is_signed_by({PUBLIC})


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 2},
        {"fleet": "g"},
        {"parent": "2" * 64},
        {"settles": True},
        {"at": NOW + timedelta(seconds=1)},
        {"who": "eve"},
        {"node": "edge2"},
        {"what": "receive remove a.test"},
        {"texts": {"policy": Text("0" * 64, "2" * 64, 3)}},
        {"texts": {}},
    ],
)
def test_signature_covers_everything(changes: dict[str, object]) -> None:
    """A signature does not hold for a revision that differs in any field, and the digests differ."""
    signed = Envelope(revision()).signed(KEY)
    changed = replace(signed, revision=replace(signed.revision, **changes))  # type: ignore[arg-type]
    assert signed.is_signed_by({PUBLIC})
    assert not changed.is_signed_by({PUBLIC})
    assert changed.revision.digest != signed.revision.digest


def test_signature_counts_for_trusted_keys_alone() -> None:
    """Another key's signature, and a foreign signature under a trusted key's name, are none."""
    other = Ed25519PrivateKey.generate()
    assert not Envelope(revision()).is_signed_by({PUBLIC})
    assert not Envelope(revision()).signed(other).is_signed_by({PUBLIC})
    assert not replace(Envelope(revision()).signed(other), key=PUBLIC).is_signed_by({PUBLIC})
    assert not Envelope(revision()).signed(KEY).is_signed_by(())


@given(st.binary(max_size=400))
def test_garbage_is_an_error(octets: bytes) -> None:
    """Any octets at all yield a revision or ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        Envelope.parse(octets)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [*json.loads(Envelope(revision()).octets())["revision"]]


@given(st.sampled_from([*FIELDS, "signature", "texts.policy"]), JSON)
def test_a_wrong_field_is_an_error_or_the_same_kind(field: str, value: object) -> None:
    """Whatever stands in a field, what is read has the types it must have, or it is ValueError."""
    document = json.loads(Envelope(revision()).signed(KEY).octets())
    if field == "texts.policy":
        document["revision"]["texts"]["policy"] = value
    elif field == "signature":
        document[field] = value
    else:
        document["revision"][field] = value
    try:
        read = Envelope.parse(json.dumps(document).encode())
    except ValueError:
        return
    assert Envelope.parse(read.octets()) == read


def test_what_is_too_large_is_not_read() -> None:
    """Nobody makes a node parse megabytes."""
    with pytest.raises(ValueError, match="more than"):
        Envelope.parse(b" " * (MAXIMUM_OCTETS + 1))


@pytest.mark.parametrize("text", ["", "ed25519:", "ed25519:AAAA", "rsa:" + "A" * 43 + "=", "ed25519:ä"])
def test_bad_public_key(text: str) -> None:
    """A key that is none is refused, and a good one is written as it is read."""
    with pytest.raises(ValueError, match="not an Ed25519"):
        PublicKey.parse(text)
    assert PublicKey.parse(str(PUBLIC)) == PUBLIC
