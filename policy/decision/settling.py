"""What settles it when a partner's certificate would not pass: the steps that fit, the best one first.

Owns: which step fits which fault.  Must not know: how steps are printed.
Invariant: no step makes a certificate pass that is revoked, out of date or too weak: these want another one.
A public key is pinned rather than a certificate: it stays when the certificate is renewed for the same key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certificate_structure import structure
from domain_secure.policy.certificates.certification_path import PathValidation
from domain_secure.policy.certificates.distinguished_name import comparable
from domain_secure.policy.certificates.gateways import RECIPES, Gateway, gateway_of_host
from domain_secure.policy.certificates.path_faults import shown
from domain_secure.policy.certificates.presented_names import names_of
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.certificates.weaknesses import key_weakness, signature_weakness
from domain_secure.policy.configuration.configuration import Method, Partner
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.pin import Pin

from .decision import Finding
from .evidence import KnownCertificate
from .verdict import Verdict

_RENEW = "ask the partner for a new certificate, and import that: a pin would go on believing this one"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a clause in the imperative, and the command where there is one."""

    what: str
    command: str | None = None


def settling_steps(
    entry: Entry,
    finding: Finding,
    known: KnownCertificate,
    client_purpose: ClientPurpose,
    now: datetime,
) -> tuple[Step, ...]:
    """Return what makes mail from *entry* pass that is refused or deferred with the certificate *known*.

    *finding* is the verdict on it.  Nothing where it passes, or where only time or a look-up is missing.
    """
    partner, certificate = finding.partner, known.certificate
    if Method.PKIX not in partner.methods and finding.verdict in {Verdict.UNTRUSTED, Verdict.NOT_SET_UP}:
        return _without_chain(entry, partner, certificate)
    by_verdict: dict[Verdict, Callable[[], tuple[Step, ...]]] = {
        Verdict.UNKNOWN_CERTIFICATE: lambda: _with_issuer(entry, known.path),
        Verdict.UNTRUSTED: lambda: _untrusted(entry, partner, known, client_purpose),
        Verdict.EXPIRED: lambda: _out_of_date(entry, certificate, now),
        Verdict.REVOKED: lambda: (Step(_RENEW, _import(entry)),),
        Verdict.NAME_MISMATCH: lambda: _other_name(entry, partner, certificate),
    }
    steps = by_verdict.get(finding.verdict)
    return () if steps is None else steps()


def waits_for_pin(finding: Finding) -> bool:
    """Tell whether a certificate failed that could be pinned, and whose content no method would ask for.

    What a chain could prove is asked for, and noted, when its certificate is looked up.
    """
    methods = finding.partner.methods
    return (
        Method.PIN in methods
        and Method.PKIX not in methods
        and finding.verdict in {Verdict.UNTRUSTED, Verdict.NOT_SET_UP, Verdict.NAME_MISMATCH}
    )


def pin_command(entry: Entry, pin: Pin) -> str:
    """Return the command that believes a certificate by a digest, of itself or of its public key."""
    return f"domain-secure partner pin {_quoted(entry)} {pin}"


def _quoted(entry: Entry) -> str:
    # The shell would look for files that match a wildcard entry.
    return f"'{entry}'" if "*" in entry else entry


def _import(entry: Entry) -> str:
    return f"domain-secure partner cert add {_quoted(entry)} FILE"


def _pin(entry: Entry, certificate: Certificate) -> Step:
    return Step(
        "or, once the partner has confirmed the digest by another way than mail, pin its public key: then "
        "neither chain nor dates nor names are asked",
        pin_command(entry, certificate.public_key_pin),
    )


def _without_chain(entry: Entry, partner: Partner, certificate: Certificate) -> tuple[Step, ...]:
    """Return the steps where no chain is asked, so that another certificate alone would not help."""
    pin = Step(
        "pin its public key, once the partner has confirmed the digest by another way than mail",
        pin_command(entry, certificate.public_key_pin),
    )
    is_pinnable = Method.PIN in partner.methods
    chain = Step(
        f"{'or ' if is_pinnable else ''}let chain and name prove it as well",
        f"domain-secure partner set {_quoted(entry)} methods={','.join((*partner.methods, Method.PKIX))}",
    )
    return (pin, chain) if is_pinnable else (chain,)


def _with_issuer(entry: Entry, path: PathValidation) -> tuple[Step, ...]:
    if path.without_issuer is None:
        return ()
    return (
        Step(
            f"ask the partner for the certificate of its issuer, {shown(path.without_issuer.issuer)}, put it "
            "behind this one in the file, and import that",
            _import(entry),
        ),
        Step("or, if you want to trust that issuer itself, add its certificate to [trust] ca_file"),
    )


def _untrusted(
    entry: Entry, partner: Partner, known: KnownCertificate, client_purpose: ClientPurpose
) -> tuple[Step, ...]:
    certificate, path = known.certificate, known.path
    pin = (_pin(entry, certificate),) if Method.PIN in partner.methods else ()
    if weakness := key_weakness(certificate) or signature_weakness(certificate):
        return (Step(f"ask the partner for a new certificate: the {weakness}", _import(entry)),)
    purposes = purposes_of(certificate)
    if client_purpose is ClientPurpose.REQUIRE and Purpose.CLIENT not in purposes:
        accept = (Step('or set client_purpose = "accept-server" under [trust]'),)
        return (
            Step("ask the partner for a certificate that is made for TLS clients", _import(entry)),
            *(accept if Purpose.SERVER in purposes else ()),
        )
    if path.without_issuer is not None:
        return _with_issuer(entry, path)
    if path.untrusted_authority is not None:
        whose = shown(path.untrusted_authority.subject)
        return (Step(f"add the certificate of {whose} to [trust] ca_file, if you want to trust it"), *pin)
    if _is_self_signed(certificate):
        return (
            Step("ask the partner for a certificate of an authority that you trust", _import(entry)),
            *pin,
        )
    return (Step(_RENEW, _import(entry)),)


def _is_self_signed(certificate: Certificate) -> bool:
    parts = structure(certificate.der)
    return comparable(parts.subject) == comparable(parts.issuer)


def _out_of_date(entry: Entry, certificate: Certificate, now: datetime) -> tuple[Step, ...]:
    if now < certificate.not_before:
        return (
            Step(f"wait until {certificate.not_before:%Y-%m-%d %H:%M} UTC, and look at this machine's clock"),
        )
    if now > certificate.not_after:
        return (Step(_RENEW, _import(entry)),)
    return (
        Step(
            "ask the partner for the certificate that its issuer has now, put it behind this one in the "
            "file, and import that",
            _import(entry),
        ),
    )


def _other_name(entry: Entry, partner: Partner, certificate: Certificate) -> tuple[Step, ...]:
    wanted = " or ".join(partner.client_names)
    presented = names_of(certificate)
    gateway = next(filter(None, map(_gateway, presented)), None)
    if gateway and gateway.word in RECIPES:
        return (
            Step(
                f"this is a certificate of {gateway.service}, which many organisations share: if the partner "
                "sends by it, take its recipe (docs/gateways.md)",
                f"domain-secure partner set {_quoted(entry)} gateway={gateway.word}",
            ),
        )
    if gateway:
        return (
            Step(
                f"ask the partner for a certificate for {wanted}: this one is of {gateway.service}, which "
                "many organisations share, so that no name in it proves the partner",
                _import(entry),
            ),
        )
    ask = Step(f"ask the partner for a certificate for {wanted}", _import(entry))
    hosts = [name for name in certificate.dns_names if _is_host(name)][:1]
    also = [
        Step(
            f"or, if {host} is the partner's alone, accept that name as well",
            f"domain-secure partner set {_quoted(entry)} "
            f"receive_names={','.join((*partner.client_names, host))}",
        )
        for host in hosts
    ]
    return (ask, *also)


def _gateway(name: str) -> Gateway | None:
    try:
        return gateway_of_host(parse_domain(name.removeprefix("*.")))
    except InvalidDomainError:
        return None


def _is_host(name: str) -> bool:
    try:
        return "." in parse_domain(name)
    except InvalidDomainError:
        return False
