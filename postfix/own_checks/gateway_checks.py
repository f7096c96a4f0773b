"""The doctor's questions about mail gateways that many organisations share, by what our rules say of them.

Must not know: Postfix, DNS.  What a partner's servers show is ``partner_server_checks``' part.
"""

from collections.abc import Collection, Iterator

from domain_secure.policy.certificates.gateways import RECIPES, Gateway, gateway_of_host, shared_gateway
from domain_secure.policy.configuration.configuration import (
    Condition,
    Configuration,
    Method,
    Partner,
    SendMethod,
)
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.names import any_name_matches
from domain_secure.postfix.findings.findings import Finding

from .enumerated import enumerated


def check_gateways(configuration: Configuration) -> Iterator[Finding]:
    """Yield what rules with the names of a gateway let in besides the partner, and what they keep out."""
    yield from _check_shared(configuration)
    for partner in dict.fromkeys(map(configuration.partner, configuration.receive)):
        by_pin = Method.PIN in partner.methods and partner.pins
        if not by_pin and {Method.PKIX, Method.POSTFIX} & set(partner.methods):
            yield from _check_names(configuration, partner, partner.client_names, Direction.RECEIVE)
    for partner in dict.fromkeys(map(configuration.partner, configuration.send)):
        if partner.send_method is SendMethod.PKIX and not partner.mx:
            yield from _check_names(configuration, partner, partner.server_names, Direction.SEND)


def _check_shared(configuration: Configuration) -> Iterator[Finding]:
    """Yield a finding for each gateway whose certificate stands for strangers as well."""
    users: dict[str, dict[Entry, Domain]] = {}
    for entry in configuration.receive:
        partner = configuration.partner(entry)
        # A signature of the tenant is the half that the certificate does not prove.
        for name in () if Condition.DKIM in partner.require else partner.client_names:
            if gateway := shared_gateway(name):
                users.setdefault(gateway.service, {})[entry] = name
    for service, names in users.items():
        entry, name = next(iter(names.items()))
        yield Finding.warning(
            "shared-gateway",
            f"all customers of {service} share its certificate: it proves the gateway, and not that a "
            f"message is from {enumerated(names)}",
            f"{configuration.path}: {name} is accepted for {entry}",
            f"`domain-secure partner set {entry} require=dkim` if it signs with DKIM, else ask for a server "
            "with a name of its own",
        )


def _check_names(
    configuration: Configuration, partner: Partner, names: Collection[Domain], direction: Direction
) -> Iterator[Finding]:
    """Yield a finding where all *names* are a gateway's, and none stands in the certificates it shows."""
    gateways = {gateway_of_host(name) for name in names}
    if len(gateways) != 1 or (gateway := gateways.pop()) is None:
        return
    shown = _shown(gateway, direction)
    if not shown or any_name_matches(shown, names) is not None:
        return
    consequence = f"mail {'from' if direction is Direction.RECEIVE else 'to'} {partner.entry} " + (
        "would be refused" if direction is Direction.RECEIVE else "would wait"
    )
    yield Finding.error(
        "gateway-names",
        f"no certificate of {gateway.service} has a name that is accepted for {partner.entry}: {consequence}",
        f"{configuration.path}: {', '.join(names)} is accepted, and {', '.join(shown)} is shown",
        f"run domain-secure partner set {partner.entry} gateway={gateway.word} (docs/gateways.md)",
    )


def _shown(gateway: Gateway, direction: Direction) -> tuple[str, ...]:
    """Return what a gateway's certificates name in that direction of ours; nothing where it is not known."""
    presented = RECIPES.get(gateway.word)
    if presented is None:
        return ()
    return presented.as_client if direction is Direction.RECEIVE else presented.as_server
