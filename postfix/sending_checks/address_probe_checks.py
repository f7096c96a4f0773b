"""The doctor's question about probes of addresses: is a server asked in the clear about a partner's people?

A probe is no message: it ends behind RCPT.  It tells an address and that somebody here has mail for it.
Sources: ADDRESS_VERIFICATION_README, verify(8), trivial-rewrite(8).
"""

from collections.abc import Iterator
from itertools import islice

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import entry_base
from domain_secure.postfix.findings.findings import Finding, Severity
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.resolver import resolver_parameters
from domain_secure.postfix.tables.routing import ROUTING_PARAMETERS, Router
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

_PREFIX = "address_verify_"
_ASKING = "reject_unverified_"
_SAMPLES = 1_000  #: listed domains that are asked about


def check_address_probes(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Yield a finding where probes take another way than mail; raises Problem where a table fails."""
    if not configuration.direct:
        return
    values = resolver_parameters(
        instance, *ROUTING_PARAMETERS, *(_PREFIX + name for name in ROUTING_PARAMETERS)
    )
    of_probes = {name: values.get(_PREFIX + name, values.get(name, "")) for name in ROUTING_PARAMETERS}
    if all(of_probes[name] == values.get(name, "") for name in ROUTING_PARAMETERS):
        return  # The way of mail itself, about which other questions are.
    samples = [entry_base(entry) for entry in islice(configuration.send, _SAMPLES)]
    for route in Router(instance, of_probes).routes(samples).values():
        if route.transport != TRANSPORT_SERVICE:
            is_used = _asks(instance)
            yield Finding(
                Severity.ERROR if is_used else Severity.NOTE,
                "address-probe",
                f"probes of addresses in listed domains go to {route.nexthop} by {route.transport}"
                + ("" if is_used else ", where anything asks for them")
                + ": no message leaves so, but who gets mail is told outside the TLS policy of the send list",
                route.proof,
                f"take {_PREFIX}… settings out of main.cf, so that probes go as mail does",
            )
            return


def _asks(instance: PostfixInstance) -> bool:
    """Tell whether a restriction of any smtpd(8) asks for probes, as far as settings show."""
    return any(
        _ASKING in value.lower()
        for service in instance.services()
        if service.program == "smtpd"
        for name, value in instance.service_parameters(service).items()
        if not name.startswith("unverified_")
    )
