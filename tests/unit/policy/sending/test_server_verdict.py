"""What a send rule makes of a server, and what is proposed where it does not pass."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from configurations import make_partner

from domain_secure.policy.certificates.certificate import Chain, parse
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Partner, SendMethod
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.sending.send_suggestion import Suggestion, suggest
from domain_secure.policy.sending.server_verdict import ShownServer, judge_server, matching_record
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.tls import TlsVersion

from lab.certificates import CLIENT, Authority, Issued, self_signed

WOODGROVE = Domain("woodgrovebank.test")
HOST = Domain("mail.woodgrovebank.test")
NOW = datetime.now(UTC)
ROOT = Authority.create("Root")
ANCHORS = TrustAnchors.of([parse(ROOT.der)])
PARTNER = make_partner(WOODGROVE)


def chain(issued: Issued) -> Chain:
    """Return a certificate as a server shows it."""
    return (parse(issued.der), parse(ROOT.der))


GOOD = chain(ROOT.issue("x", dns_names=(HOST,)))


def shown(certificates: Chain = GOOD, **changes: Any) -> ShownServer:
    """Return a good server, with changes."""
    return replace(ShownServer(HOST, certificates, "TLSv1.3", "TLS_AES_256_GCM_SHA384"), **changes)


def reason(server: ShownServer, **rule: Any) -> FailureReason | None:
    """Return why a server is not good enough for Woodgrove's rule with changes."""
    return judge_server(server, replace(PARTNER, **rule), WOODGROVE, ANCHORS, NOW).reason


def records(*found: TlsaRecord | None, failures: tuple[str, ...] = ()) -> TlsaAnswer:
    """Return an answer of DNS."""
    return TlsaAnswer(frozenset(one for one in found if one), failures)


def of_key(certificates: Chain, usage: int = 3) -> TlsaRecord | None:
    """Return the record 3 1 1 or 2 1 1 of the last certificate that it is for."""
    certificate = certificates[0 if usage == 3 else -1]
    return TlsaRecord.of(usage, 1, 1, bytes.fromhex(certificate.public_key_pin.digest))


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        (ROOT.issue("x", dns_names=(WOODGROVE,)), None),
        (ROOT.issue("x", dns_names=("*.woodgrovebank.test",)), None),
        (ROOT.issue(HOST), None),
        (ROOT.issue(HOST, dns_names=("x.test",)), FailureReason.NAME_MISMATCH),
        (ROOT.issue("x", dns_names=("woodgrovebank.test.evil.test",)), FailureReason.NAME_MISMATCH),
        (self_signed("x", dns_names=(HOST,)), FailureReason.UNTRUSTED),
        (ROOT.issue("x", dns_names=(HOST,), purposes=[CLIENT]), FailureReason.UNTRUSTED),
        (
            ROOT.issue("x", dns_names=(HOST,), not_after=NOW - timedelta(hours=1)),
            FailureReason.EXPIRED,
        ),
        (
            ROOT.issue("x", dns_names=(HOST,), not_before=NOW + timedelta(hours=1)),
            FailureReason.EXPIRED,
        ),
    ],
    ids=["domain", "wildcard", "cn-only", "cn-beside-san", "suffix", "self", "client", "expired", "future"],
)
def test_by_authority(issued: Issued, expected: FailureReason | None) -> None:
    """Chain, purpose, dates and names all count, as at Postfix's level secure."""
    assert reason(shown(chain(issued))) is expected


def test_names_of_servers_stand_in_the_place_of_names() -> None:
    """With send_names the partner's own name and those of what it shows when it sends are not accepted."""
    names = {"send_names": (Domain("server.test"),), "receive_names": (Domain("client.test"),)}
    assert reason(shown(chain(ROOT.issue("x", dns_names=("a.server.test",)))), **names) is None
    client = shown(chain(ROOT.issue("x", dns_names=("a.client.test",))))
    assert reason(client, **names) is FailureReason.NAME_MISMATCH
    assert reason(shown(), **names) is FailureReason.NAME_MISMATCH


def test_literal_hosts_stand_in_the_place_of_names() -> None:
    """With mx neither the domain nor a host under the literal one is accepted."""
    hosts = (Domain("mx.provider.test"),)
    provider = chain(ROOT.issue("x", dns_names=("mx.provider.test",)))
    under = chain(ROOT.issue("x", dns_names=("a.mx.provider.test",)))
    assert reason(shown(provider), mx=hosts) is None
    assert reason(shown(under), mx=hosts) is FailureReason.NAME_MISMATCH
    assert reason(shown(), mx=hosts) is FailureReason.NAME_MISMATCH


def test_by_pin() -> None:
    """Certificate or key; nothing else is asked."""
    own = chain(self_signed("nobody", not_after=NOW - timedelta(days=1), not_before=NOW - timedelta(days=9)))
    for pin in (own[0].certificate_pin, own[0].public_key_pin):
        assert reason(shown(own), send_method=SendMethod.PIN, pins=frozenset({pin})) is None
    other = frozenset({GOOD[0].certificate_pin})
    assert reason(shown(own), send_method=SendMethod.PIN, pins=other) is FailureReason.PIN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (records(of_key(GOOD)), None),
        (records(of_key(GOOD, 2)), None),
        (records(of_key(chain(ROOT.issue("other")))), FailureReason.DANE),
        (records(), FailureReason.DANE),
        (records(failures=("SERVFAIL",)), FailureReason.DANE),
        (records(of_key(GOOD), failures=("SERVFAIL of another",)), None),
    ],
    ids=["end-entity", "authority", "other-key", "none", "unknown", "one-known"],
)
def test_by_tlsa(answer: TlsaAnswer, expected: FailureReason | None) -> None:
    """A record that matches, and no authority of ours."""
    server = shown(tlsa=answer)
    found = judge_server(
        server, replace(PARTNER, send_method=SendMethod.DANE), WOODGROVE, TrustAnchors.of(()), NOW
    )
    assert found.reason is expected
    assert (matching_record(server, WOODGROVE, NOW) is None) is (expected is not None)


@pytest.mark.parametrize(
    ("version", "cipher", "minimum", "expected"),
    [
        ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", TlsVersion.TLS_1_2, None),
        ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", TlsVersion.TLS_1_3, FailureReason.PROTOCOL),
        ("TLSv1", "AES128-SHA", TlsVersion.TLS_1_2, FailureReason.PROTOCOL),
        ("TLSv1.2", "NULL-SHA256", TlsVersion.TLS_1_2, FailureReason.PROTOCOL),
        (None, None, TlsVersion.TLS_1_2, FailureReason.PROTOCOL),
    ],
)
def test_strength(
    version: str | None, cipher: str | None, minimum: TlsVersion, expected: FailureReason | None
) -> None:
    """A good certificate does not make up for a weak session."""
    assert reason(shown(tls_version=version, cipher=cipher), minimum_tls=minimum) is expected


def test_no_certificate() -> None:
    """A server that showed none is not good by any method."""
    assert reason(shown(())) is FailureReason.HANDSHAKE


def suggestion(server: ShownServer, partner: Partner = PARTNER) -> Suggestion | None:
    """Return what is proposed for one server."""
    return suggest([server], partner, WOODGROVE, ANCHORS, NOW)


@pytest.mark.parametrize(
    ("server", "command", "price"),
    [
        (
            shown(chain(ROOT.issue("x", dns_names=("a.provider.test", HOST[5:] + ".x.test", "mx.p.test")))),
            "mx=a.provider.test",
            "make sure that the host is theirs",
        ),
        (
            shown(chain(ROOT.issue("x", dns_names=("us.smtp.pphosted.com", "mail.evil.test")))),
            "mx=us.smtp.pphosted.com",
            "Proofpoint, which many organisations share",
        ),
        (
            replace(
                shown(chain(ROOT.issue("x", dns_names=("mx.google.com", "smtp.google.com")))),
                host=Domain("smtp.google.com"),
            ),
            "gateway=google-workspace",
            "Google Workspace's, whose certificates all its customers share",
        ),
        (shown(chain(self_signed("x"))), "send_method=pin", "neither authority, name nor dates"),
        (
            shown(chain(self_signed("x")), tlsa=records(of_key(chain(self_signed("y"))))),
            "send_method=pin",
            "neither authority, name nor dates",
        ),
        (shown(tls_version="TLSv1.1"), "minimum_tls=TLSv1.1", "deprecated"),
    ],
    ids=["provider", "gateway", "gateway-with-recipe", "self-signed", "tlsa-of-another", "old"],
)
def test_proposals(server: ShownServer, command: str, price: str) -> None:
    """The strictest change that helps, with what it gives away."""
    found = suggestion(server)
    assert found is not None
    assert found.commands[-1].endswith(command)
    assert price in found.weakens


def test_published_key_is_proposed_before_a_pin() -> None:
    """DANE follows the partner's renewals; a pin does not."""
    own = chain(self_signed("x"))
    found = suggestion(shown(own, tlsa=records(of_key(own))))
    assert found is not None
    assert found.commands == (f"domain-secure partner set {WOODGROVE} send_method=dane",)


def test_a_wildcard_entry_is_quoted() -> None:
    """The shell would look for files that match it."""
    server = shown(chain(ROOT.issue("x", dns_names=("mx.provider.test",))))
    found = suggestion(server, make_partner(f"*.{WOODGROVE}"))
    assert found is not None
    assert found.commands == ("domain-secure partner set '*.woodgrovebank.test' mx=mx.provider.test",)


def test_the_very_host_is_proposed_first() -> None:
    """Of several names in a certificate."""
    names = ("a.provider.test", "mx.provider.test")
    server = shown(chain(ROOT.issue("x", dns_names=names)), host=Domain("mx.provider.test"))
    found = suggestion(server)
    assert found is not None
    assert found.commands[0].endswith("mx=mx.provider.test")


def test_nothing_is_proposed_where_nothing_helps_or_nothing_is_wrong() -> None:
    """A server without a certificate; one that passes."""
    assert suggestion(shown(())) is None
    assert suggestion(shown()) is None


def test_pin_that_no_longer_fits() -> None:
    """Back to authorities where these would do."""
    pinned = replace(PARTNER, send_method=SendMethod.PIN, pins=frozenset({parse(ROOT.der).certificate_pin}))
    found = suggestion(shown(), pinned)
    assert found is not None
    assert found.commands == (f"domain-secure partner set {WOODGROVE} send_method=pkix",)


@pytest.mark.parametrize(
    ("name", "base", "matches"),
    [
        ("mx.isp.test", "mx.isp.test", True),
        ("*.isp.test", "mx.isp.test", True),
        (WOODGROVE, "mx.isp.test", True),
        # The host is an alias of mx.isp.test, where the records stand: its own name counts for nothing.
        (HOST, "mx.isp.test", False),
        (HOST, None, True),
        ("other.woodgrovebank.test", None, False),
    ],
)
def test_the_name_below_an_authority_is_that_of_the_records(
    name: str, base: str | None, matches: bool
) -> None:
    """Or the next hop's (RFC 7672 section 3.2.2); a name that lies under it is another."""
    record = TlsaRecord.of(2, 0, 1, bytes.fromhex(parse(ROOT.der).certificate_pin.digest))
    answer = replace(records(record), base=base and Domain(base))
    server = shown(chain(ROOT.issue("x", dns_names=(name,))), tlsa=answer)
    assert (matching_record(server, WOODGROVE, NOW) is record) is matches
