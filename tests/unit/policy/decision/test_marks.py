"""Marks: what a message is told to carry, and what it may not bring along."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Configuration, Mode, OnFailure
from domain_secure.policy.decision.decision import NOT_LISTED, Decision, decide, exempted, undecidable
from domain_secure.policy.decision.evidence import Evidence, Session
from domain_secure.policy.decision.marks import is_forged_mark, mark_headers
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.tls import TlsVersion

from unit.policy.builders import FINGERPRINT, NOW, claim, configuration, known, partner, session

HOST = "mx1.contoso.test"
WOODGROVE = "woodgrovebank.test"


def marks(decision: Decision, authserv_id: str = HOST, host: str = HOST) -> list[tuple[str, str]]:
    """Return the marks with a fixed reference."""
    return list(mark_headers(decision, host, authserv_id, "4F2C1A0B"))


def passed(*claims: Claim, config: Configuration | None = None) -> Decision:
    """Return the decision for a session with woodgrovebank.test's certificate."""
    evidence = Evidence(session(), known(WOODGROVE))
    return decide(claims or (claim(),), evidence, config or configuration(), NOW)


def test_pass() -> None:
    """A message that passed carries one mark and one result."""
    assert marks(passed()) == [
        ("X-Domain-Secure", f"pass ({WOODGROVE}; pkix; TLSv1.3) by {HOST}; ref=4F2C1A0B"),
        (
            "Authentication-Results",
            f"{HOST}; x-domain-secure=pass header.d={WOODGROVE} policy.method=pkix policy.tls=TLSv1.3",
        ),
    ]


def test_one_mark_a_domain() -> None:
    """Each listed domain has its mark, however often it is claimed; all share one result field."""
    fabrikam = Entry("*.fabrikam.test")
    config = configuration(
        WOODGROVE, fabrikam, partners={fabrikam: partner(fabrikam, pins=frozenset({FINGERPRINT}))}
    )
    claims = (claim(), claim(source="from"), claim("mail.fabrikam.test", fabrikam), claim(source="sender"))
    told = marks(passed(*claims, config=config))
    assert [value.split(" by ")[0] for _name, value in told[:-1]] == [
        "pass (mail.fabrikam.test; pin; TLSv1.3)",
        f"pass ({WOODGROVE}; pkix; TLSv1.3)",
    ]
    results = (
        HOST,
        "x-domain-secure=pass header.d=mail.fabrikam.test policy.method=pin policy.tls=TLSv1.3",
        f"x-domain-secure=pass header.d={WOODGROVE} policy.method=pkix policy.tls=TLSv1.3",
    )
    assert told[-1] == ("Authentication-Results", "; ".join(results))


TAG = configuration(on_failure=OnFailure.TAG)


@pytest.mark.parametrize("config", [TAG, configuration(mode=Mode.OBSERVE)])
def test_failure_that_is_let_in(config: Configuration) -> None:
    """A tagged or observed failure is told with its reason."""
    untrusted = known(WOODGROVE, outcome=PathOutcome.UNTRUSTED)
    evidence = Evidence(
        session(tls_version=TlsVersion.TLS_1_2, cipher="ECDHE-RSA-AES256-GCM-SHA384"), untrusted
    )
    assert marks(decide([claim()], evidence, config, NOW)) == [
        ("X-Domain-Secure", f"fail ({WOODGROVE}; untrusted; TLSv1.2) by {HOST}; ref=4F2C1A0B"),
        (
            "Authentication-Results",
            f'{HOST}; x-domain-secure=fail reason="untrusted" header.d={WOODGROVE} policy.tls=TLSv1.2',
        ),
    ]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(session(), None), f"temperror ({WOODGROVE}; unknown-certificate; TLSv1.3)"),
        (Evidence(None, None), f"temperror ({WOODGROVE}; no-evidence; unknown)"),
        (
            Evidence(Session(None, None, None, None, None, None), None),
            f"fail ({WOODGROVE}; no-tls; none)",
        ),
        (Evidence(session(certificate_pin=None), None), f"fail ({WOODGROVE}; no-certificate; TLSv1.3)"),
    ],
)
def test_each_kind_of_failure(evidence: Evidence, expected: str) -> None:
    """What is not known is a temporary error; a session in the clear has no TLS version."""
    told = marks(decide([claim()], evidence, TAG, NOW))
    assert told[0][1].startswith(expected)
    assert told[1][1].startswith(f"{HOST}; x-domain-secure={expected.split(' ', maxsplit=1)[0]} reason=")


def test_no_pass_beside_a_failure() -> None:
    """Invariant: of two listed domains one of which failed, the one that passed is not marked."""
    config = configuration(WOODGROVE, "other.test", on_failure=OnFailure.TAG)
    decision = decide([claim(), claim("other.test")], Evidence(session(), known(WOODGROVE)), config, NOW)
    told = marks(decision)
    assert len(told) == 2
    assert told[0][1].startswith("fail (other.test; name-mismatch; TLSv1.3)")
    assert "pass" not in told[1][1]


def test_no_pass_beside_what_was_not_judged() -> None:
    """Invariant: a pass is marked only where each listed domain passed, whatever the effect."""
    decision = passed()
    exempt = exempted([claim("other.test")], configuration(WOODGROVE, "other.test"), "the client logged in")
    assert not marks(replace(decision, findings=(*decision.findings, *exempt.findings)))


@pytest.mark.parametrize(
    "decision",
    [
        NOT_LISTED,
        exempted([claim()], configuration(), "the client logged in"),
        undecidable([claim()], configuration()),
        decide([claim()], Evidence(None, None), configuration(), NOW),
        decide([claim()], Evidence(session(), known("evil.test")), configuration(), NOW),
        decide(
            [claim()], Evidence(session(), known("evil.test")), configuration(on_failure=OnFailure.DEFER), NOW
        ),
        decide([], Evidence(session(), known(WOODGROVE)), configuration(), NOW),
    ],
)
def test_no_marks(decision: Decision) -> None:
    """Unlisted, exempt and refused messages carry none."""
    assert not marks(decision)


def test_names_that_are_missing_or_odd() -> None:
    """A missing name is told as unknown, and an authserv-id that is no token is quoted."""
    told = mark_headers(passed(), "", 'our "own" mx', "")
    assert told[0][1].endswith(" by unknown; ref=unknown")
    assert told[1][1].startswith('"our \\"own\\" mx"; x-domain-secure=pass ')


def test_our_own_marks_are_known_as_forged() -> None:
    """What we write is what we strip when it arrives from elsewhere, whatever our authserv-id."""
    for authserv_id in (HOST, "MX", 'our "own" mx', "xn--bcher-kva.test"):
        for name, value in marks(passed(), authserv_id):
            assert is_forged_mark(name, value.encode())


@pytest.mark.parametrize("name", ["X-Domain-Secure", "x-domain-SECURE", " X-Domain-Secure\t"])
@pytest.mark.parametrize("value", [b"", b"pass", b"\xff\x00"])
def test_every_x_domain_secure_is_forged(name: str, value: bytes) -> None:
    """The field is ours alone."""
    assert is_forged_mark(name, value)


@pytest.mark.parametrize("name", ["Subject", "X-Domain-Secured", "", "ARC-Authentication-Results", "From"])
def test_other_fields_stay(name: str) -> None:
    """No other field is looked at."""
    assert not is_forged_mark(name, f"{HOST}; x-domain-secure=pass".encode())


@pytest.mark.parametrize(
    "value",
    [
        f"{HOST}; x-domain-secure=pass",
        f"{HOST};x-domain-secure=pass",
        "MX1.Contoso.TEST; X-Domain-Secure=pass",
        f"{HOST}.; x-domain-secure=pass",
        f"{HOST} 1; x-domain-secure=pass",
        f"{HOST} (x) 1 (y) ; x-domain-secure=pass",
        f"(we (are)) {HOST}; x-domain-secure=pass",
        f"(evil.test; x) {HOST}\r\n\t; dkim=pass; x-domain-secure=pass",
        f'"{HOST}"; x-domain-secure=pass',
        '"mx1.contoso\\.test" ; x-domain-secure=pass',
        f'" {HOST} "; x-domain-secure=pass',
        f"{HOST}; x-domain-secure(c)/1(d) = (e) pass",
        f"{HOST}; x-domain(c)-secure=pass",
        f"{HOST}; x-domain-\r\n secure=pass",
        f'{HOST}; "x-domain\\-secure"=pass',
        f"{HOST}; x-domain-\x00secure=pass",
        f"{HOST}; x-domain\u00ad-secure=pass",
        f"{HOST}; ｘ-domain-ſecure=pass",
        "mx1.con\u200btoso.test; x-domain-secure=pass",
        "ｍｘ1.contoso。test; x-domain-secure=pass",
        f"{HOST}; x-domain-secure=fail; x-domain-secure=pass",
        # authserv-ids that cannot be read
        f"{HOST} x-domain-secure=pass",
        f"{HOST} x; x-domain-secure=pass",
        f"{HOST}/1; x-domain-secure=pass",
        f"{HOST}@evil.test; x-domain-secure=pass",
        f"; {HOST}; x-domain-secure=pass",
        f'"{HOST}; x-domain-secure=pass',
        f"({HOST}; x-domain-secure=pass",
        f"{HOST} (x; x-domain-secure=pass",
        f"{HOST}\x00; x-domain-secure=pass",
        f"{HOST}\n; x-domain-secure=pass",
        "mx1 (c) .contoso.test; x-domain-secure=pass",
        '= "mx1.contoso\\.test"; x-domain-secure=pass',
        # whoever it is said to be from
        "mx.other.test; x-domain-secure=pass",
        "mx.other.test 1; x-domain-secure=pass",
        f"mx.other.test; x-domain-secure=pass (of {HOST})",
        f'mx.other.test; x-domain-secure=pass reason="{HOST};"',
        f"({HOST}) mx.other.test; x-domain-secure=pass",
        f"{HOST}.other.test; x-domain-secure=pass",
        f"other.{HOST}; x-domain-secure=pass",
        "=mx.other.test; x-domain-secure=pass",
    ],
)
def test_forged_results(value: str) -> None:
    """Results about our method go, however they are written and whoever they name."""
    assert is_forged_mark("Authentication-Results", value.encode())
    assert is_forged_mark(" authentication-RESULTS ", value.encode("utf-8"))


def test_a_result_beside_octets_of_no_charset() -> None:
    """What is not UTF-8 hides nothing."""
    assert is_forged_mark("Authentication-Results", b"\xff\xfe; x-domain-secure=pass")
    assert not is_forged_mark("Authentication-Results", b"\xff\xfe; dkim=pass")


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"{HOST}; none",
        f"{HOST}; dkim=pass header.d=woodgrovebank.test",
        f"{HOST}; x-domain=pass; secure=pass",
        "mx.other.test; dkim=pass; x-domain=pass",
    ],
)
def test_other_results_stay(value: str) -> None:
    """Results about other methods are not touched, whoever they are from."""
    assert not is_forged_mark("Authentication-Results", value.encode())


@given(st.text(), st.binary() | st.text(st.sampled_from('x-domain-secure=pass; ()"\\\n')).map(str.encode))
def test_never_raises(name: str, value: bytes) -> None:
    """Any octets have an answer."""
    is_forged_mark(name, value)
    is_forged_mark("Authentication-Results", value)
    is_forged_mark("Authentication-Results", value + b"; x-domain-secure")


CFWS = st.lists(st.sampled_from([" ", "\t", "\r\n ", "(c)", "(a(b)\\))"])).map("".join)


@given(CFWS, CFWS, st.sampled_from(["", "1", "10"]), CFWS, CFWS, st.booleans())
def test_every_well_formed_forgery_goes(
    before: str, after: str, version: str, end: str, inner: str, quoted: bool
) -> None:
    """Invariant: no company of our authserv-id or our method hides a result in our name."""
    said = f'"{HOST}"' if quoted else HOST
    gap = after or " "
    value = f"{before}{said}{gap}{version}{end};{inner}x-domain-secure{inner}={inner}pass"
    assert is_forged_mark("Authentication-Results", value.encode())


@pytest.mark.parametrize("unit", ["(", "()", '"', "\\", ";", " ", "x-domain-secure", '"\\', "ü", "\n "])
def test_time_is_linear(unit: str) -> None:
    """100 kB of anything take well below a second; a quadratic pass would take minutes."""
    value = (unit * (100_000 // len(unit)) + "x-domain-secure").encode()
    started = time.process_time()
    is_forged_mark("Authentication-Results", value)
    assert time.process_time() - started < 3
