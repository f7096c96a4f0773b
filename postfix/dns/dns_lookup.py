"""Ask the system's resolver.

Owns: what a look-up can end in, its time limit, and whether the resolver's word for DNSSEC is worth anything.
Must not know: what is looked for.
Invariant: "it did not answer" is FAILED and never NONE; ``authenticated`` is True only where a resolver on
this machine said so (RFC 4035 section 3.2.3, RFC 6698 appendix A.3: the bit is as good as the path it takes).

dnspython is imported by the first look-up: the daemon's start and memory do not pay for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from ipaddress import ip_address
from typing import Any

TIME_LIMIT = 5.0  #: seconds for one look-up, all of the resolver's servers included
# Negative answers and short-lived ones are asked again after this; nothing is believed for longer than a day.
LEAST_SECONDS = 60
MOST_SECONDS = 86400


@unique
class LookupStatus(StrEnum):
    """How a look-up ended."""

    FOUND = "found"
    NONE = "none"  #: there is no such name, or it has no such records
    FAILED = "failed"  #: nobody knows: SERVFAIL, which is also what forged DNSSEC gives, or no answer


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer about one name and record type."""

    status: LookupStatus
    records: tuple[Any, ...] = ()  #: dnspython's rdata
    authenticated: bool = False  #: validated by DNSSEC
    seconds: int = LEAST_SECONDS  #: for how long it holds
    detail: str = ""  #: of a failure
    canonical: str = ""  #: the name to which aliases led, without a dot at its end; "": the one asked for


#: Looks a name up for a record type such as ``MX``.
Lookups = Callable[[str, str], Lookup]


def system_lookup(name: str, record_type: str) -> Lookup:
    """Return what the resolver of /etc/resolv.conf says; CNAMEs are followed, search domains are not used.

    Raises nothing but ImportError, where dnspython is not installed.
    """
    try:
        import dns.exception  # noqa: PLC0415 - see above
        import dns.flags  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415
    except OSError as error:
        # As without a free descriptor; the next look-up tries again.
        return Lookup(LookupStatus.FAILED, detail=f"{record_type} of {name}: cannot load dnspython ({error})")
    try:
        resolver = dns.resolver.Resolver()
        trusted = is_trusted(resolver.nameservers)
        # With AD in the question a resolver puts it into the answer too (RFC 6840 section 5.7).
        resolver.flags = dns.flags.RD | dns.flags.AD
        resolver.use_edns(0, 0, 1232)
        answer = resolver.resolve(
            f"{name.rstrip('.')}.", record_type, raise_on_no_answer=False, lifetime=TIME_LIMIT, search=False
        )
    except dns.resolver.NXDOMAIN:
        return Lookup(LookupStatus.NONE)
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return Lookup(LookupStatus.FAILED, detail=_reason(name, record_type, error))
    authenticated = trusted and bool(answer.response.flags & dns.flags.AD)
    if answer.rrset is None:
        return Lookup(LookupStatus.NONE, authenticated=authenticated)
    ttl = answer.chaining_result.minimum_ttl
    return Lookup(
        LookupStatus.FOUND,
        tuple(answer.rrset),
        authenticated,
        min(max(ttl, LEAST_SECONDS), MOST_SECONDS),
        canonical=answer.canonical_name.to_text(omit_final_dot=True),
    )


def system_nameservers() -> tuple[str, ...]:
    """Return the addresses of the system's resolver; none where there is no configuration."""
    import dns.resolver  # noqa: PLC0415 - see above

    try:
        return tuple(str(server) for server in dns.resolver.Resolver().nameservers)
    except dns.resolver.NoResolverConfiguration:
        return ()


def is_trusted(nameservers: Any) -> bool:
    """Tell whether every one of the resolver's servers is on this machine."""
    try:
        return bool(nameservers) and all(ip_address(str(server)).is_loopback for server in nameservers)
    except ValueError:
        return False


def _reason(name: str, record_type: str, error: Exception) -> str:
    import dns.exception  # noqa: PLC0415 - see above
    import dns.resolver  # noqa: PLC0415

    match error:
        case dns.exception.Timeout():
            why = "no answer in time"
        case dns.resolver.NoNameservers():
            why = "the resolver reports a failure"
        case dns.resolver.NoResolverConfiguration() | OSError():
            why = "no resolver is configured"
        case _:
            why = type(error).__name__
    return f"{record_type} of {name}: {why}"
