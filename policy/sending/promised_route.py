"""Whether mail left as its partner's rule says: by our transport, verified by its method, for its names.

Owns: what of a delivery breaks the promise although its TLS was verified.
Must not know: lines of a log; what is told of a delivery comes as plain values.
Invariant: what the log does not tell is not held against a delivery, but for the name: where that is not
told, the server's own name must be one that the rule names.
Sources: DESIGN of the outbound half; postconf(5) smtp_tls_policy_maps for the levels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from functools import lru_cache

from domain_secure.policy.certificates.presented_names import names_host
from domain_secure.policy.configuration.configuration import Partner, SendMethod
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.names import any_name_matches


@unique
class Unverified(StrEnum):
    """Why mail that was sent counts as sent past the policy."""

    NO_TLS = "no-tls"  #: in the clear
    NOT_VERIFIED = "not-verified"  #: over TLS with a server that was not verified
    OTHER_TRANSPORT = "other-transport"  #: past the dedicated transport
    OTHER_METHOD = "other-method"  #: verified otherwise than ``send_method`` says
    OTHER_NAME = "other-name"  #: the name or pin that was verified is not the partner's
    BYPASS = "bypass"  #: whatever the server proved, because a bypass is in force
    OTHER_HOST = (
        "other-host"  #: which name was verified is not told, and the server's own is not the partner's
    )


@unique
class Matched(StrEnum):
    """What of the server's certificate Postfix matched."""

    NAME = "name"
    PIN = "pin"
    RECORD = "record"  #: of TLSA


_REMEMBERED = 1024  #: names; a partner has a few servers

_LEVELS = {
    "secure": SendMethod.PKIX,
    "fingerprint": SendMethod.PIN,
    "dane": SendMethod.DANE,
    "dane-only": SendMethod.DANE,
}


@dataclass(frozen=True, slots=True)
class Route:
    """How one delivery went, as far as it is told."""

    service: str  #: the service's name in the log, ``postfix/domain-secure``; "": not told
    host: str  #: the server's name, in normal form
    level: str | None = None  #: the TLS level that was asked for and met; None: not told
    matched: Mapping[str, str] = field(
        default_factory=dict
    )  #: by `Matched`: a name, or a digest in lower case


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised of mail to an entry."""

    partner: Partner
    service: str  #: that delivers it; "": the administrator routes by tables of his own
    is_bypassed: bool = False  #: nothing is, for some hours


Promises = Callable[[Entry], Promise | None]  #: None: nothing is promised


def broken_by(route: Route, promise: Promise) -> Unverified | None:
    """Return what a delivery over verified TLS breaks of a promise, or None."""
    partner = promise.partner
    if promise.service and route.service and route.service != promise.service:
        return Unverified.OTHER_TRANSPORT
    if _method(route) not in {None, partner.send_method}:
        return Unverified.OTHER_METHOD
    match partner.send_method:
        case SendMethod.PKIX:
            return _by_name(route, partner)
        case SendMethod.PIN:
            digest = route.matched.get(Matched.PIN)
            is_pinned = digest is None or any(pin.digest == digest for pin in partner.pins)
            return None if is_pinned else Unverified.OTHER_NAME
        case SendMethod.DANE:
            return None


def accepts_name(name: str, partner: Partner) -> bool:
    """Tell whether the send rule accepts a name of a server's certificate.

    The literal hosts of ``mx`` stand in the place of all other names, and for themselves alone.
    """
    if partner.mx:
        return any(names_host(name, host) for host in partner.mx)
    return _fits(name, partner.server_names)


@lru_cache(_REMEMBERED)
def _fits(name: str, names: tuple[Domain, ...]) -> bool:
    return any_name_matches((name,), names) is not None


def _method(route: Route) -> SendMethod | None:
    if route.level is not None:
        return _LEVELS.get(route.level)
    # A TLSA record of an authority is matched with a name besides.
    if Matched.RECORD in route.matched:
        return SendMethod.DANE
    if Matched.PIN in route.matched:
        return SendMethod.PIN
    return SendMethod.PKIX if Matched.NAME in route.matched else None


def _by_name(route: Route, partner: Partner) -> Unverified | None:
    if (name := route.matched.get(Matched.NAME)) is not None:
        return None if accepts_name(name, partner) else Unverified.OTHER_NAME
    relay = partner.via.host if partner.via else None
    return None if route.host == relay or accepts_name(route.host, partner) else Unverified.OTHER_HOST
