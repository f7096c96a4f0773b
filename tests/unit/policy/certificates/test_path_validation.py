"""Path validation against authorities made on the spot."""

import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import MalformedCertificateError, parse, read_certificates
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.terms.pin import Pin

from lab.certificates import (
    ANY,
    BOTH,
    CLIENT,
    DAY,
    SERVER,
    Authority,
    Issued,
    key_usage,
    make,
    new_key,
    pem,
    self_signed,
)
from lab.revocations import Pointers

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = Authority.create("Lab Root", not_before=NOW - 1000 * DAY, not_after=NOW + 1000 * DAY)
SUB = ROOT.authority("Lab Sub", not_before=NOW - 500 * DAY, not_after=NOW + 500 * DAY)
TRUSTED, EXPIRED, UNTRUSTED, DISTRUSTED = PathOutcome
REQUIRE, ACCEPT_SERVER = ClientPurpose

LEAF_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")]).public_bytes()


def pins(*issued: Issued) -> frozenset[Pin]:
    """Return the digests of these certificates."""
    return frozenset(parse(one.der).certificate_pin for one in issued)


def keys(*issued: Issued) -> frozenset[Pin]:
    """Return the digests of these certificates' keys."""
    return frozenset(parse(one.der).public_key_pin for one in issued)


def judge(
    issued: Issued,
    *,
    chain: Iterable[x509.Certificate] | None = None,
    anchors: Sequence[x509.Certificate] = (ROOT.certificate,),
    purpose: ClientPurpose = REQUIRE,
    at: datetime = NOW,
    distrusted: frozenset[Pin] = frozenset(),
) -> PathValidation:
    """Validate a certificate with the intermediates its server would send."""
    intermediates = issued.chain if chain is None else chain
    found = validate(
        parse(issued.der),
        [parse(one.public_bytes(serialization.Encoding.DER)) for one in intermediates],
        TrustAnchors.load(pem(*anchors)),
        purpose,
        at,
        distrusted,
    )
    assert found.detail.isprintable()
    assert len(found.detail) < 300
    return found


@pytest.mark.parametrize("named", [pins, keys])
@pytest.mark.parametrize("which", ["leaf", "intermediate", "anchor"])
def test_nothing_distrusted_is_on_a_path(named: Callable[..., frozenset[Pin]], which: str) -> None:
    """Neither the certificate nor an authority of it, by its own digest or its key's; others do no harm."""
    leaf = SUB.issue("mail.woodgrovebank.test")
    found = judge(leaf, distrusted=named({"leaf": leaf, "intermediate": SUB, "anchor": ROOT}[which]))
    assert (found.outcome, found.certificates, found.without_issuer) == (DISTRUSTED, (), None)
    assert (
        found.detail
        == {
            "leaf": "it is distrusted",
            "intermediate": "its chain passes through CN=Lab Sub",
            "anchor": "its chain passes through CN=Lab Root",
        }[which]
    )
    assert (found.not_before, found.not_after) == (parse(leaf.der).not_before, parse(leaf.der).not_after)
    other = ROOT.authority("Other")
    assert judge(leaf, distrusted=named(other)).outcome is TRUSTED


def test_another_way_past_what_is_distrusted() -> None:
    """An authority that two others vouch for is trusted by way of the one that is left."""
    fresh = Authority.create("Fresh Root")
    cross = ROOT.authority("", subject=fresh.certificate.subject, key=fresh.key)
    leaf = fresh.issue("mail.woodgrovebank.test")
    both = {"chain": (cross.certificate,), "anchors": (ROOT.certificate, fresh.certificate)}
    assert judge(leaf, **both, distrusted=pins(cross)).outcome is TRUSTED
    assert judge(leaf, **both, distrusted=pins(fresh)).outcome is TRUSTED
    assert judge(leaf, **both, distrusted=keys(fresh)).outcome is DISTRUSTED


def test_chain_through_an_intermediate_is_trusted() -> None:
    """The ordinary case, with the interval in which all of the path is valid."""
    issued = SUB.issue("mail.woodgrovebank.test", not_before=NOW - DAY, not_after=NOW + 900 * DAY)
    found = judge(issued)
    path = (parse(issued.der), parse(SUB.der), parse(ROOT.der))
    assert found == PathValidation(TRUSTED, "chain leads to CN=Lab Root", NOW - DAY, NOW + 500 * DAY, path)


def test_a_missing_issuer_is_named() -> None:
    """The certificate at which a chain ends for want of its issuer, wherever in the chain that is."""
    leaf = SUB.issue("mail.woodgrovebank.test")
    missing = judge(leaf, chain=()).without_issuer
    assert missing is not None
    assert missing.der == leaf.der
    other = Authority.create("Other Root").authority("Other Sub")
    missing = judge(other.issue("x")).without_issuer
    assert missing is not None
    assert missing.der == other.der
    namesake = ROOT.authority("Lab Sub")
    assert judge(leaf, chain=(namesake.certificate,)).without_issuer is not None, "the key is another one"
    assert judge(leaf).without_issuer is None, "it is trusted"


def test_distrust_beside_other_faults() -> None:
    """What ends at something distrusted is so, unless another way is wrong by its dates alone."""
    fresh = Authority.create("Fresh Root")
    dates = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
    old = ROOT.authority("", subject=fresh.certificate.subject, key=fresh.key, **dates)
    leaf = fresh.issue("x")
    both = {"chain": (old.certificate,), "anchors": (ROOT.certificate, fresh.certificate)}
    assert judge(leaf, **both, distrusted=pins(fresh)).outcome is EXPIRED
    weak = fresh.issue("x", purposes=[SERVER])
    assert judge(weak, **both, distrusted=pins(fresh)).outcome is DISTRUSTED
    assert judge(weak, **both).outcome is UNTRUSTED


def test_an_untrusted_authority_is_named() -> None:
    """The root at which a chain ends that nobody trusts; not a host that is its own."""
    other = Authority.create("Other Root")
    sub = other.authority("Other Sub")
    found = judge(sub.issue("x"), chain=(sub.certificate, other.certificate))
    assert found.detail == "chain ends in an authority that is not trusted (CN=Other Root)"
    assert found.untrusted_authority == parse(other.der)
    for untrusted in (
        judge(sub.issue("x"), chain=(sub.certificate,)),
        judge(other.issue("x"), chain=()),
        judge(self_signed("x"), chain=()),
        judge(SUB.issue("x", purposes=[SERVER])),
    ):
        assert untrusted.outcome is UNTRUSTED
        assert untrusted.untrusted_authority is None


def test_the_longest_attempt_is_told() -> None:
    """Of two ways that end the longer one says more."""
    other = Authority.create("Other Root")
    below = other.authority("Below")
    first = below.authority("Twice")
    second = Authority.create("Third Root").authority("Twice", key=first.key)
    leaf = first.issue("x")
    for chain in ((second, first, below, other), (first, below, other, second)):
        found = judge(leaf, chain=[one.certificate for one in chain])
        assert found.detail == "chain ends in an authority that is not trusted (CN=Other Root)"
    dead = judge(leaf, chain=[first.certificate, second.certificate])
    assert dead.detail == "chain does not lead to a trusted authority (issuer: CN=Below)"


def test_what_is_not_missing() -> None:
    """Whoever is at hand and not trusted is not missing; neither is who took a trusted authority's name."""
    other = Authority.create("Other Root")
    assert judge(other.issue("x"), chain=(other.certificate,)).without_issuer is None
    assert judge(self_signed("x")).without_issuer is None
    impostor = Authority.create("Lab Root")
    assert judge(impostor.issue("x")).without_issuer is None
    named = impostor.issue("x", extensions=Pointers(issuers=("http://issuer.test/",)))
    assert judge(named).without_issuer is not None, "it says where the real one is"
    first = Authority.create("First")
    second = first.authority("Second")
    circle = second.authority("First", key=first.key)
    ends = judge(first.issue("x"), chain=(circle.certificate, second.certificate))
    assert ends.without_issuer is None, "they issued each other"


@pytest.mark.parametrize("common_name", ["mail.woodgrovebank.test", None])
def test_names_are_not_asked_for(common_name: str | None) -> None:
    """A common name only, and alternative names with an empty subject, are both well."""
    names = () if common_name else ("mail.woodgrovebank.test",)
    assert judge(ROOT.issue(common_name, dns_names=names)).outcome is TRUSTED


@pytest.mark.parametrize(
    ("purposes", "required", "accepted"),
    [
        (BOTH, TRUSTED, TRUSTED),
        ((CLIENT,), TRUSTED, TRUSTED),
        ((SERVER,), UNTRUSTED, TRUSTED),
        ((), TRUSTED, TRUSTED),
        ((ANY,), TRUSTED, TRUSTED),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), UNTRUSTED, UNTRUSTED),
    ],
)
def test_purpose(
    purposes: tuple[x509.ObjectIdentifier, ...], required: PathOutcome, accepted: PathOutcome
) -> None:
    """``require`` wants the client purpose, ``accept-server`` takes that of servers as well."""
    issued = SUB.issue("mail.woodgrovebank.test", purposes=purposes)
    assert judge(issued, purpose=REQUIRE).outcome is required
    assert judge(issued, purpose=ACCEPT_SERVER).outcome is accepted
    if accepted is UNTRUSTED:
        assert judge(issued, purpose=ACCEPT_SERVER).detail == "may not be used for TLS clients"
        assert judge(issued, purpose=REQUIRE).detail == "may not be used for TLS clients"
    elif required is UNTRUSTED:
        assert judge(issued).detail == "may be used for TLS servers only, not for TLS clients"


def test_purpose_of_an_authority_binds_what_it_issues() -> None:
    """One purpose must hold along the whole path; two halves do not make one."""
    servers = ROOT.authority("Servers", extensions=[(x509.ExtendedKeyUsage([SERVER]), False)])
    assert judge(servers.issue("x", purposes=BOTH), purpose=REQUIRE).outcome is UNTRUSTED
    assert judge(servers.issue("x", purposes=BOTH), purpose=ACCEPT_SERVER).outcome is TRUSTED
    assert judge(servers.issue("x", purposes=[CLIENT]), purpose=ACCEPT_SERVER).outcome is UNTRUSTED


def test_dates_of_the_certificate() -> None:
    """Only the dates are wrong: expired, or not valid yet; the boundaries themselves are inside."""
    issued = SUB.issue("x", not_before=NOW - 10 * DAY, not_after=NOW + 10 * DAY)
    second = timedelta(seconds=1)
    for at, outcome in [
        (NOW - 10 * DAY - second, EXPIRED),
        (NOW - 10 * DAY, TRUSTED),
        (NOW + 10 * DAY, TRUSTED),
        (NOW + 10 * DAY + second, EXPIRED),
    ]:
        assert judge(issued, at=at).outcome is outcome
    late, early = judge(issued, at=NOW + 11 * DAY), judge(issued, at=NOW - 11 * DAY)
    assert late.detail == f"valid until {NOW + 10 * DAY:%Y-%m-%d}"
    assert early.detail == f"not valid before {NOW - 10 * DAY:%Y-%m-%d}"
    assert (late.not_before, late.not_after) == (NOW - 10 * DAY, NOW + 10 * DAY)


def test_dates_of_authorities() -> None:
    """An expired authority on the only way is told by its name."""
    issued = SUB.issue("x", not_after=NOW + 2000 * DAY)
    found = judge(issued, at=NOW + 600 * DAY)
    assert found.outcome is EXPIRED
    assert found.detail == f"authority CN=Lab Sub valid until {NOW + 500 * DAY:%Y-%m-%d}"
    assert judge(issued, at=NOW + 1100 * DAY, chain=()).outcome is UNTRUSTED


def test_dates_that_exclude_each_other_are_expired() -> None:
    """A path that was never valid as a whole is not believed at any time."""
    new = ROOT.authority("Renewed", not_before=NOW, not_after=NOW + DAY)
    old = new.issue("x", not_before=NOW - 10 * DAY, not_after=NOW - 5 * DAY)
    dates = (parse(old.der).not_before, parse(old.der).not_after)
    for at, detail in (
        (NOW, f"valid until {NOW - 5 * DAY:%Y-%m-%d}"),
        (NOW - 3 * DAY, f"valid until {NOW - 5 * DAY:%Y-%m-%d}"),
        (NOW - 7 * DAY, f"authority CN=Renewed not valid before {NOW:%Y-%m-%d}"),
    ):
        assert judge(old, at=at) == PathValidation(EXPIRED, detail, *dates)


def test_a_path_valid_at_one_moment_alone() -> None:
    """Its authorities' dates meet in one second: in that one it is trusted."""
    new = ROOT.authority("Renewed", not_before=NOW, not_after=NOW + DAY)
    old = new.issue("x", not_before=NOW - DAY, not_after=NOW)
    found = judge(old, at=NOW)
    assert (found.outcome, found.not_before, found.not_after) == (TRUSTED, NOW, NOW)
    for at in (NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)):
        found = judge(old, at=at)
        assert (found.outcome, found.not_before, found.not_after) == (EXPIRED, NOW, NOW)


@pytest.mark.parametrize("dates", [{"not_before": NOW}, {"not_after": NOW}])
def test_whose_dates_are_told(dates: dict[str, datetime]) -> None:
    """Not those of a certificate that begins, or ends, at this very moment."""
    second = timedelta(seconds=1)
    old = ROOT.authority("Old", not_before=NOW - DAY, not_after=NOW - second)
    assert judge(old.issue("x", **dates)).detail == f"authority CN=Old valid until {NOW - second:%Y-%m-%d}"
    new = ROOT.authority("New", not_before=NOW + second, not_after=NOW + DAY)
    told = f"authority CN=New not valid before {NOW + second:%Y-%m-%d}"
    assert judge(new.issue("x", **dates)).detail == told


def test_a_second_valid_way_counts() -> None:
    """Of an expired and a renewed intermediate with the same key the renewed one is taken."""
    expired = ROOT.authority("Twice", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    renewed = ROOT.authority("Twice", key=expired.key)
    issued = expired.issue("x")
    for chain in ([expired.certificate, renewed.certificate], [renewed.certificate, expired.certificate]):
        assert judge(issued, chain=chain).outcome is TRUSTED
    assert judge(issued, chain=[expired.certificate]).outcome is EXPIRED


def test_wrong_dates_do_not_hide_worse() -> None:
    """Expired and for another purpose is untrusted: a renewal alone would not mend it."""
    issued = SUB.issue("x", purposes=[SERVER], not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    assert judge(issued).outcome is UNTRUSTED


@pytest.mark.parametrize(
    ("issued", "options", "detail"),
    [
        (
            SUB.issue("x"),
            {"chain": ()},
            "chain does not lead to a trusted authority (issuer: CN=Lab Sub)",
        ),
        (
            Authority.create("Other Root").authority("Other Sub").issue("x"),
            {},
            "chain does not lead to a trusted authority (issuer: CN=Other Root)",
        ),
        (
            Authority.create("Lab Root").issue("x"),
            {},
            "chain does not lead to a trusted authority (issuer: CN=Lab Root)",
        ),
        (self_signed("x"), {}, "it is self-signed and not itself trusted"),
        (
            ROOT.issue("x", key="rsa1024"),
            {},
            "its RSA key has 1024 bits, and 2048 are the least",
        ),
        (
            ROOT.authority("Weak", key="rsa1024").issue("x"),
            {},
            "authority CN=Weak: its RSA key has 1024 bits, and 2048 are the least",
        ),
        (
            ROOT.authority("Limited", path_length=0).authority("Deeper").issue("x"),
            {},
            "it exceeds the maximum path length",
        ),
        (
            ROOT.authority("No Signer", extensions=[(key_usage(crl_sign=True), True)]).issue("x"),
            {},
            "CN=No Signer issued it and is no authority that may do so",
        ),
        (
            ROOT.issue("x", extensions=[(key_usage(key_encipherment=True), True)]),
            {},
            "its key may not be used for signatures, which a TLS client makes",
        ),
        (
            ROOT.issue(
                "x",
                extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)],
            ),
            {},
            "the end-entity certificate contains the following unsupported critical extension: 1.2.3.4",
        ),
    ],
)
def test_what_is_untrusted_says_why(issued: Issued, options: dict[str, object], detail: str) -> None:
    """The detail is one clause that both administrators can act on."""
    found = judge(issued, **options)  # type: ignore[arg-type]
    certificate = parse(issued.der)
    assert found == PathValidation(UNTRUSTED, detail, certificate.not_before, certificate.not_after)


def test_a_host_is_no_authority() -> None:
    """A host's certificate vouches for nobody, as intermediate or as anchor."""
    host = ROOT.issue("host.test")
    issued = Authority(host.certificate, host.key).issue("x")
    assert judge(issued, chain=[host.certificate]).outcome is UNTRUSTED
    assert judge(issued, anchors=[host.certificate]).outcome is UNTRUSTED


def test_name_constraints() -> None:
    """An authority for certain names vouches for these, and not for names in a form it cannot bind."""
    extension = x509.NameConstraints([x509.DNSName("woodgrovebank.test")], None)
    limited = ROOT.authority("Limited", extensions=[(extension, True)])
    assert judge(limited.issue(dns_names=["mail.woodgrovebank.test"])).outcome is TRUSTED
    outside = judge(limited.issue(dns_names=["evil.test"]))
    assert outside.detail == (
        "not all names of the end-entity certificate are in the permitted namespace of the issuing "
        "authority. The name 'evil.test' of type dns_name is not allowed"
    )
    assert judge(limited.issue("evil.test")).outcome is UNTRUSTED


@pytest.mark.parametrize(
    ("excluded", "name"),
    [
        ("mail.x.test", "*.x.test"),
        ("MAIL.x.test", "*.X.test"),
        ("a.mail.x.test", "*.x.test"),
        ("x.test", "*.x.test"),
        ("test", "*.x.test"),
        ("mail.x.test", "mail.x.test"),
    ],
)
def test_excluded_names_bind_a_wildcard_that_covers_them(excluded: str, name: str) -> None:
    """A wildcard stands for every host that it covers, so one of them excluded excludes it."""
    extension = x509.NameConstraints(None, [x509.DNSName(excluded)])
    limited = ROOT.authority("Limited", extensions=[(extension, True)])
    found = judge(limited.issue(dns_names=["good.test", name]))
    assert found.outcome is UNTRUSTED
    if name.startswith("*"):
        told = f"it is for {name}, which covers hosts that its authority may not certify"
        assert found.detail == told


def test_excluded_names_leave_other_wildcards_alone() -> None:
    """A wildcard beside the excluded names is as good as before."""
    for excluded in ("mail.x.test", "mail.bax.test"):
        extension = x509.NameConstraints(None, [x509.DNSName(excluded)])
        limited = ROOT.authority("Limited", extensions=[(extension, True)])
        assert judge(limited.issue(dns_names=["*.y.test", "*.ax.test"])).outcome is TRUSTED


_AUTHORITY = ("-subj", "/CN=Renewed CA", "-days", "30", "-addext", "keyUsage=critical,keyCertSign")
_KINDS = ("rsa2048", "rsa-pss", "p256", "p384", "ed25519", "ed448", "dsa", "explicit")


@pytest.mark.parametrize("first", _KINDS)
@pytest.mark.parametrize("second", _KINDS)
def test_two_authorities_of_one_name(first: str, second: str) -> None:
    """Whatever keys stand under one name, in whatever order, the one that signed is found; nothing raises."""
    good = _authority_of_kind(first)
    other = _authority_of_kind(second)
    issued = _issued_by(good)
    expected = UNTRUSTED if first in {"dsa", "explicit"} else TRUSTED
    for anchors in ([good[0], other[0]], [other[0], good[0]]):
        assert judge(issued, chain=(), anchors=anchors, at=NOW + DAY).outcome is expected
    if first != second:
        assert judge(issued, chain=(), anchors=[other[0]], at=NOW + DAY).outcome is UNTRUSTED
    assert judge(issued, chain=(other[0],), anchors=[good[0]], at=NOW + DAY).outcome is expected


@cache
def _authority_of_kind(kind: str) -> tuple[x509.Certificate, Any]:
    """Return an authority called "Renewed CA", made by openssl where the library makes no such key."""
    options = {
        "rsa2048": ["-newkey", "rsa:2048"],
        "rsa-pss": ["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
        "p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "ed25519": ["-newkey", "ed25519"],
        "ed448": ["-newkey", "ed448"],
        "explicit": [
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-pkeyopt", "ec_param_enc:explicit"),
        ],
    }
    with TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key", f"{folder}/certificate"
        if kind == "dsa":
            subprocess.run(
                ["openssl", "dsaparam", "-genkey", "-noout", "-out", key, "2048"],
                check=True,
                capture_output=True,
            )
            how = ["-new", "-key", key]
        else:
            how = [*options[kind], "-nodes", "-keyout", key]
        subprocess.run(
            ["openssl", "req", "-x509", *how, *_AUTHORITY, "-out", certificate],
            check=True,
            capture_output=True,
        )
        return x509.load_pem_x509_certificate(Path(certificate).read_bytes()), (
            Path(key).read_bytes(),
            Path(certificate).read_bytes(),
        )


def _issued_by(authority: tuple[x509.Certificate, tuple[bytes, bytes]]) -> Issued:
    host = new_key()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        for name, content in zip(("ca.key", "ca.pem"), authority[1], strict=True):
            (place / name).write_bytes(content)
        (place / "host.key").write_bytes(Issued(authority[0], host).key_pem)
        for command in (
            "req -new -key host.key -subj /CN=host.test -out host.csr",
            "x509 -req -in host.csr -CA ca.pem -CAkey ca.key -days 20 -out host.pem",
        ):
            subprocess.run(["openssl", *command.split()], cwd=place, check=True, capture_output=True)
        return Issued(x509.load_pem_x509_certificate((place / "host.pem").read_bytes()), host)


def test_a_curve_without_a_name_is_untrusted() -> None:
    """A key that brings its own curve is refused whoever vouches for it (RFC 5480 section 2.1.1)."""
    certificate, _ = _authority_of_kind("explicit")
    issued = _issued_by(_authority_of_kind("explicit"))
    found = judge(issued, chain=(), anchors=[certificate], at=NOW + DAY)
    assert (found.outcome, "parameters of its curve" in found.detail) == (UNTRUSTED, True)


def test_private_authorities_may_be_plain() -> None:
    """What RFC 5280 does not demand of a validator is not asked for: key usage, and criticality."""
    made = make("Plain Root", extensions=[(x509.BasicConstraints(ca=True, path_length=None), False)])
    plain = Authority(made.certificate, made.key)
    assert judge(plain.issue("x"), anchors=[plain.certificate]).outcome is TRUSTED


def test_trusted_certificate_of_a_host() -> None:
    """A self-signed certificate in ca_file is trusted as itself; dates, purpose and strength still count."""

    def found(issued: Issued, **options: object) -> PathOutcome:
        return judge(issued, anchors=[issued.certificate], **options).outcome  # type: ignore[arg-type]

    assert found(self_signed("x")) is TRUSTED
    assert found(ROOT.issue("x")) is TRUSTED
    assert found(self_signed("x"), at=NOW + 91 * DAY) is EXPIRED
    assert found(self_signed("x", purposes=[SERVER])) is UNTRUSTED
    assert found(self_signed("x", key="rsa1024")) is UNTRUSTED
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
    assert found(self_signed("x", extensions=[(unknown, True)])) is UNTRUSTED


@pytest.mark.parametrize(("digest", "name"), [("md5", "MD5"), ("sha1", "SHA-1")])
def test_broken_digests_are_untrusted(tmp_path: Path, digest: str, name: str) -> None:
    """MD5 and SHA-1 are named; on the anchor itself they do not matter, as nobody relies on its signature."""

    def openssl(command: str) -> bytes:
        done = subprocess.run(["openssl", *command.split()], capture_output=True, check=True, cwd=tmp_path)
        return done.stdout

    (tmp_path / "host.cnf").write_text("basicConstraints = CA:FALSE\n")
    openssl(f"req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Old -days 9 -{digest}")
    openssl("req -newkey rsa:2048 -nodes -keyout host.key -out host.csr -subj /CN=host")
    anchors = TrustAnchors.load((tmp_path / "ca.pem").read_bytes())

    def found(signed_with: str) -> PathValidation:
        signing = f"-CA ca.pem -CAkey ca.key -set_serial 2 -extfile host.cnf -{signed_with}"
        (leaf,) = read_certificates(openssl(f"x509 -req -in host.csr {signing}"))
        return validate(leaf, (), anchors, REQUIRE, datetime.now(UTC))

    assert found(digest).outcome is UNTRUSTED
    assert found(digest).detail == f"its signature uses {name}, which is no longer trusted"
    assert found("sha256").outcome is TRUSTED


def test_circles_end() -> None:
    """Certificates that issue each other in every combination are given up soon, without an error."""
    keys = [Authority.create("Loop") for _ in range(6)]
    loop = [one.authority("Loop", key=other.key) for one in keys for other in keys]
    issued = loop[0].issue("x")
    started = time.process_time()
    assert judge(issued, chain=[one.certificate for one in loop]).outcome is UNTRUSTED
    assert time.process_time() - started < 5


def test_unrelated_intermediates_do_no_harm() -> None:
    """What a server sends besides its chain is left out."""
    others = [Authority.create(f"Other {number}").certificate for number in range(5)]
    assert judge(SUB.issue("x"), chain=[*others, SUB.certificate, ROOT.certificate]).outcome is TRUSTED


def test_hostile_names_stay_bounded_and_printable() -> None:
    """What a stranger writes into an issuer reaches the detail in one short printable line."""
    wild = Authority.create("x\r\n250 OK\0" + "y" * 50).issue("x")
    judge(wild)


def test_anchors_set_a_bad_certificate_aside() -> None:
    """One broken certificate in the file costs itself alone, and is told."""
    broken = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    anchors = TrustAnchors.load(ROOT.certificate_pem + broken + SUB.certificate_pem + SUB.certificate_pem)
    assert len(anchors) == 2
    told = "it is not a certificate as RFC 5280 wants it"
    assert anchors.set_aside == (f"certificate 2: {told}",)
    assert parse(ROOT.der) in anchors
    assert parse(ROOT.issue("x").der) not in anchors
    assert "CN=Lab Root" not in anchors
    left = anchors.without(pins(ROOT))
    assert (len(left), left.set_aside) == (1, anchors.set_aside)
    assert parse(SUB.der) in left
    assert len(anchors.without(keys(SUB))) == 1
    assert anchors.without(pins(ROOT.authority("Other"))) == anchors
    assert anchors.named(ROOT.certificate.subject.public_bytes()) == (parse(ROOT.der),)
    assert anchors.named(LEAF_NAME) == ()


def test_no_anchors() -> None:
    """A file without any trusts nobody and raises nothing."""
    for content, told in (
        (b"", "it is empty"),
        (b"nothing here", "it is neither PEM nor DER nor PKCS#7"),
        (ROOT.key_pem, "it holds a private key and no certificate"),
    ):
        anchors = TrustAnchors.load(content)
        assert len(anchors) == 0
        assert anchors.set_aside == (told,)
    cut = TrustAnchors.load(ROOT.certificate_pem + b"-----BEGIN CERTIFICATE-----\nMAA=")
    assert len(cut) == 1
    assert cut.set_aside == ("after certificate 1: it ends in the middle of a block (CERTIFICATE)",)


def test_several_anchors_of_one_name() -> None:
    """An authority that renewed its key is there twice under its name."""
    other = Authority.create("Lab Root")
    anchors = TrustAnchors.of([parse(ROOT.der), parse(other.der), parse(ROOT.der)])
    assert len(anchors) == 2
    assert anchors.named(LEAF_NAME) == ()
    both = (parse(ROOT.der), parse(other.der))
    assert anchors.named(ROOT.certificate.subject.public_bytes()) == both
    assert anchors.without(pins(other)).named(ROOT.certificate.subject.public_bytes()) == both[:1]


def test_system_bundle_loads_whole() -> None:
    """Every authority of the distribution is usable, those with a serial number of zero included."""
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if not bundle.exists():
        pytest.skip("no ca-certificates package here")
    content = bundle.read_bytes()
    anchors = TrustAnchors.load(content)
    assert not anchors.set_aside
    assert len(anchors) == content.count(b"BEGIN CERTIFICATE")


HOST = SUB.issue("mail.woodgrovebank.test", dns_names=["mail.woodgrovebank.test"])


@given(st.integers(0, len(HOST.der) - 1), st.binary(min_size=1, max_size=4), st.booleans())
def test_damaged_certificates_are_never_trusted(position: int, damage: bytes, of_authority: bool) -> None:
    """A leaf or an intermediate with some octets changed raises nothing and leads nowhere."""
    whole = SUB.der if of_authority else HOST.der
    damaged = whole[:position] + damage + whole[position + len(damage) :]
    if damaged == whole or position >= len(whole):
        return
    try:
        certificate = parse(damaged)
    except MalformedCertificateError:
        return
    leaf, intermediate = (parse(HOST.der), certificate) if of_authority else (certificate, parse(SUB.der))
    found = validate(leaf, (intermediate,), TrustAnchors.load(ROOT.certificate_pem), ACCEPT_SERVER, NOW)
    assert found.outcome is not TRUSTED
    assert found.detail.isprintable()
