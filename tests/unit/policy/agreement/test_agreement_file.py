"""Agreement files: what is written is read, and whatever else comes is one Problem."""

import base64
import tomllib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import tomlkit
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.agreement.agreement import Agreement, AnnouncedKey, Authority
from domain_secure.policy.agreement.agreement_file import (
    LARGEST,
    fingerprint,
    is_key,
    read_agreement,
    write_agreement,
)
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

KEY = Ed25519PrivateKey.generate()
ISSUED = datetime(2026, 11, 27, 9, tzinfo=UTC)
OLD, NEXT, CERTIFICATE = "aa" * 32, "bb" * 32, "cc" * 32
AGREEMENT = Agreement(
    domains=(Domain("woodgrovebank.test"),),
    issued=ISSUED,
    valid_until=ISSUED + timedelta(days=365),
    keys=(
        AnnouncedKey(
            Pin.public_key(OLD), certificate=Pin.certificate(CERTIFICATE), ends=ISSUED + timedelta(9)
        ),
        AnnouncedKey(Pin.public_key(NEXT), ("client",), begins=ISSUED + timedelta(2)),
    ),
    server_names=("mx1.woodgrovebank.test", "*.woodgrovebank.test"),
    client_names=("mx1.woodgrovebank.test",),
    mx=("mx1.woodgrovebank.test",),
    authorities=(Authority("CN=Prüf-Wurzel 検査", Pin.certificate(CERTIFICATE)),),
    contacts=("postmaster@woodgrovebank.test", "+49 30 1234"),
)
FILE = write_agreement(AGREEMENT, KEY)
BODY = FILE.rpartition(b"[signature]\n")[0].decode()


def signed(body: str, key: Ed25519PrivateKey = KEY) -> bytes:
    """Return a file whose signature is right, whatever the body is."""
    value = base64.b64encode(key.sign(b"domain-secure agreement 1\n" + body.encode())).decode()
    return f'{body}[signature]\nkey = "{PublicKey.of(key)}"\nvalue = "{value}"\n'.encode()


def problem_of(octets: bytes) -> str:
    """Return the one line that a file is refused with."""
    with pytest.raises(Problem) as raised:
        read_agreement(octets, "file.toml")
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) < 1000
    return text


def test_what_is_written_is_read() -> None:
    """All of it, with the key that signed it; also where mail changed the ends of lines."""
    for octets in (FILE, FILE.replace(b"\n", b"\r\n"), signed(BODY)):
        found = read_agreement(octets, "file.toml")
        assert found.agreement == AGREEMENT
        assert found.key == PublicKey.of(KEY)


def test_a_fingerprint_is_known_in_any_spelling() -> None:
    """As it is told, without blanks, in capitals with colons, and as the key itself."""
    key = PublicKey.of(KEY)
    told = fingerprint(key)
    digits = told.replace(" ", "")
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()
    for spelling in (told, digits, colons, str(key), f" {key} "):
        assert is_key(spelling, key)
    assert not is_key("ab" * 32, key)
    for wrong in ("abcd", "", f"spki-sha256:{digits}", "ed25519:abcd"):
        with pytest.raises(ValueError, match=r".+"):
            is_key(wrong, key)


@pytest.mark.parametrize(
    ("octets", "word"),
    [
        (b"", "no signature"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * (LARGEST + 1), "KiB"),
        (BODY.encode(), "no signature"),
        (FILE.replace(OLD.encode(), NEXT.encode()), "not of this text"),
        (FILE.replace(b"woodgrovebank", b"Woodgrovebank"), "not of this text"),
        (FILE + b'\n[more]\nkey = "x"\n', "not a key and a value"),
        (FILE + b"# To have it confirmed call +49 900 1234\n", "nobody signed"),
        (FILE.replace(b"[signature]\n", b"[signature]\n# by the board\n"), "nobody signed"),
        (FILE.replace(b"[signature]\n", b"[signature]\nkey = 1\n"), "not valid TOML"),
        (BODY.encode() + b'[signature]\nkey = "ed25519:AAAA"\nvalue = ""\n', "cannot be read"),
        (BODY.encode() + b"[signature]\nkey = 5\nvalue = []\n", "not a key and a value"),
        (FILE.replace(b"value = ", b"value = '\x1b' #"), "not valid TOML"),
        (signed("a = " + "[" * 60_000 + "\n"), "not valid TOML"),
        (signed("a = " + "9" * 60_000 + "\n"), "not valid TOML"),
    ],
)
def test_what_is_not_as_it_was_signed_is_refused(octets: bytes, word: str) -> None:
    """Whatever was changed, left out, added, or makes the parser fail."""
    assert word in problem_of(octets)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ('format = "domain-secure agreement 1"', 'format = "domain-secure agreement 2"', "format"),
        ("issued = ", "future = 1\nissued = ", "future"),
        ('domains = ["woodgrovebank.test"]', "domains = []", "domains"),
        ('domains = ["woodgrovebank.test"]', 'domains = ["*.woodgrovebank.test"]', "domains"),
        ('domains = ["woodgrovebank.test"]', 'domains = ["co.uk"]', "public suffix"),
        ('domains = ["woodgrovebank.test"]', 'domains = ["a.test\\u0000"]', "domains"),
        ('domains = ["woodgrovebank.test"]', 'domains = "woodgrovebank.test"', "domains"),
        ('domains = ["woodgrovebank.test"]', "domains = [{a = 1}]", "domains"),
        ('issued = "2026-11-27T09:00:00Z"', "issued = 2026-11-27T09:00:00", "without a zone"),
        ('issued = "2026-11-27T09:00:00Z"', "issued = 09:00:00", "issued"),
        ('issued = "2026-11-27T09:00:00Z"', "issued = true", "issued"),
        ('issued = "2026-11-27T09:00:00Z"', "issued = 0001-01-01T00:00:00+10:00", "not a time"),
        ('issued = "2026-11-27T09:00:00Z"', 'issued = "2028-11-27T09:00:00Z"', "ends before"),
        (f'spki_sha256 = "{NEXT}"', f'spki_sha256 = "{OLD}"', "twice"),
        (f'spki_sha256 = "{NEXT}"', 'spki_sha256 = "sha1"', "spki_sha256"),
        (f'spki_sha256 = "{NEXT}"', "", "spki_sha256"),
        (f'spki_sha256 = "{NEXT}"', f'spki_sha256 = "{NEXT}"\nuse = "all"', "use"),
        ('shown_as = ["client"]', 'shown_as = ["everything"]', "shown_as"),
        ('from = "2026-11-29T09:00:00Z"', 'from = "tomorrow"', "from"),
        ('"postmaster@woodgrovebank.test"', '"line\\nbreak"', "contacts"),
        ('"postmaster@woodgrovebank.test"', '"' + "x" * 301 + '"', "contacts"),
        ('"*.woodgrovebank.test"', '"*.test"', "server_names"),
    ],
)
def test_what_was_signed_and_is_no_agreement_is_refused(before: str, after: str, word: str) -> None:
    """With the key where it stands: a signature makes nothing right."""
    assert before in BODY
    assert word in problem_of(signed(BODY.replace(before, after)))


def test_lists_are_bounded() -> None:
    """A partner of ours has not thousands of domains, names or keys."""
    many = [f"a{number}.test" for number in range(201)]
    for key, before in (("domains", '["woodgrovebank.test"]'), ("mx", '["mx1.woodgrovebank.test"]')):
        text = BODY.replace(f"{key} = {before}", f"{key} = {many!r}", 1)
        assert text != BODY
        assert key in problem_of(signed(text))


def test_a_signature_in_a_text_does_not_hide_the_real_one() -> None:
    """What stands between two signatures is signed by the second, or refused."""
    other = Ed25519PrivateKey.generate()
    assert "signature" in problem_of(signed(FILE.decode() + "\n", other))
    forged = BODY.replace("domains", 'x = """\n[signature]\n"""\ndomains', 1)
    assert "x" in problem_of(signed(forged))
    tail = FILE.rpartition(b"[signature]\n")[2]
    assert "not of this text" in problem_of(forged.encode() + b"[signature]\n" + tail)


def test_the_signature_of_another_protocol_is_none() -> None:
    """The octets that are signed begin with what they are for."""
    value = base64.b64encode(KEY.sign(BODY.encode())).decode()
    octets = f'{BODY}[signature]\nkey = "{PublicKey.of(KEY)}"\nvalue = "{value}"\n'.encode()
    assert "not of this text" in problem_of(octets)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.sampled_from(["1979-05-27", "07:32:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(["domains", "issued", "keys", "mx", "contacts", "server_names"]), value=VALUES)
def test_odd_types_are_one_problem_each(key: str, value: object) -> None:
    """Whatever a signed file says under a key, it is read or refused, and never a traceback."""
    document = tomllib.loads(BODY)
    document[key] = value if value is not None else []
    try:
        body = tomlkit.dumps(document) + "\n"
    except (TypeError, ValueError):
        return
    with suppress(Problem):
        read_agreement(signed(body), "file.toml")


@given(st.binary(max_size=300))
def test_any_octets_are_one_problem(octets: bytes) -> None:
    """Alone, and in the place of the signature."""
    for content in (octets, BODY.encode() + b"[signature]\n" + octets):
        with pytest.raises(Problem):
            read_agreement(content, "file.toml")


def test_a_file_of_all_that_may_stand_there_is_not_too_large() -> None:
    """The bound of the whole is above the bounds of the parts."""
    names = tuple(f"{'x' * 60}.{'y' * 60}.a{number}.test" for number in range(200))
    keys = tuple(AnnouncedKey(Pin.public_key(f"{number:064x}")) for number in range(50))
    whole = replace(AGREEMENT, server_names=names, client_names=names, mx=names, keys=keys)
    octets = write_agreement(whole, KEY)
    assert read_agreement(octets, "file.toml").agreement == whole
