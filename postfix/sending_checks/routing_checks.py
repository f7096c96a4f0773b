"""The doctor's question for each domain on the send list: what would Postfix really do?

Owns: comparing the route and the TLS policy that Postfix's own tables give with the partner's rule.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, Entry, entry_base, parse_domain
from domain_secure.postfix.findings.findings import Finding, Lookup, Severity
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.lookups import Hit, first_hits, policy_keys, split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.domain_spellings import spellings
from domain_secure.postfix.tables.publication import Job
from domain_secure.postfix.tables.routing import Route, Router
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, policy_for

CHUNK = 5_000  #: domains looked up together, so that a long list needs little memory
NAMED = 3  #: domains named in a finding that many share
SUBDOMAIN = "domain-secure-check"  #: stands for the subdomains of an entry with a wildcard


@dataclass(frozen=True, slots=True)
class Way:
    """What would happen to mail for one domain."""

    route: Route
    program: str | None  #: of the transport; None when it is no smtp client
    policy: Hit | None  #: the TLS policy found; of several nexthops, the one that is at odds
    policy_setting: str  #: the tables that were asked
    wanted: str  #: the policy there ought to be


def check_routing(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, only: Domain | None = None
) -> Iterator[Finding]:
    """Yield what defeats the policy of listed domains, of *only* one when it is given.

    Domains that share a cause share a finding.  Raises Problem when a table does not answer.
    """
    entries: Iterable[Entry] = configuration.send
    if only is not None:
        entry = configuration.send.match(only)
        entries = () if entry is None else (entry,)
    alike: dict[Finding, list[tuple[str, str]]] = {}
    for way in _ways(configuration, instance, facts, entries, only):
        domain = way.route.domain
        for finding in _judge(way, configuration.direct):
            general = replace(finding, proof=finding.proof.replace(domain, "DOMAIN"))
            alike.setdefault(general, []).append((domain, finding.proof))
    for finding, cases in alike.items():
        what = f"mail for {_enumerated([domain for domain, _ in cases])} {finding.what}"
        yield replace(finding, what=what, proof=cases[0][1])


def follow(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, domain: Domain
) -> Iterator[Lookup]:
    """Yield the look-ups that decide on the mail for one listed domain; raises Problem as `check_routing`."""
    entry = configuration.send.match(domain)
    for way in _ways(configuration, instance, facts, () if entry is None else (entry,), domain):
        route = way.route
        yield Lookup(route.domain, route.transport, route.nexthop, route.proof, _found(way))


def _ways(
    configuration: Configuration,
    instance: PostfixInstance,
    facts: PostfixFacts,
    entries: Iterable[Entry],
    only: Domain | None,
) -> Iterator[Way]:
    router = Router.of(instance)
    remaining = iter(entries)
    while chunk := list(islice(remaining, CHUNK)):
        domains = [name for entry in chunk for name in _names(entry, only)]
        for _, way in ways_of(configuration, instance, facts, router.routes(domains)):
            yield way


def ways_of(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, routes: Mapping[str, Route]
) -> Iterator[tuple[str, Way]]:
    """Yield what would happen to mail on each of *routes* to a listed domain, with its key.

    Raises Problem when a table does not answer.
    """
    dialect = Job.of(configuration, instance).dialect
    clients = {sender.service.name: sender for sender in facts.senders if sender.service.type == "unix"}
    policies = _policies(instance, clients, routes.values())
    for key, route in routes.items():
        entry = configuration.send.match(parse_domain(route.domain))
        if entry is None:
            continue
        client = clients.get(route.transport)
        wanted = policy_for(entry, configuration, dialect)
        hits = [policies.get((route.transport, nexthop)) for nexthop in _nexthops(route)]
        way = Way(
            route=route,
            program=None if client is None else client.service.program,
            policy=next((hit for hit in hits if hit is None or hit.value != wanted), hits[0]),
            policy_setting="" if client is None else client.value("smtp_tls_policy_maps"),
            wanted=wanted,
        )
        yield key, way


def word_of(way: Way, direct: bool) -> str | None:
    """Return the word of what lets mail leave without the partner's TLS policy, or None."""
    errors = (one.word for one in _judge(way, direct) if one.severity is Severity.ERROR)
    return next(errors, None)


def _policies(
    instance: PostfixInstance, clients: Mapping[str, ServiceFacts], routes: Collection[Route]
) -> dict[tuple[str, str], Hit]:
    """Return the TLS policies found, by transport and nexthop."""
    policies = {}
    for transport in {route.transport for route in routes} & clients.keys():
        tables = split_elements(clients[transport].value("smtp_tls_policy_maps"))
        nexthops = {one for route in routes if route.transport == transport for one in _nexthops(route)}
        found = first_hits(instance, tables, {nexthop: policy_keys(nexthop) for nexthop in nexthops})
        policies.update({(transport, nexthop): hit for nexthop, hit in found.items()})
    return policies


def _judge(way: Way, direct: bool) -> Iterator[Finding]:
    """Yield the findings for one domain, worded without its name so that equal ones can be joined."""
    route = way.route
    if way.program != "smtp":
        yield Finding.error(
            "not-sent-by-smtp",
            f"is handed to {route.transport}, which knows nothing of our TLS policy",
            route.proof,
            f"take the domain out of {route.setting}, or run domain-secure send remove",
        )
    elif way.policy is None or way.policy.value != way.wanted:
        yield _defeated(way)
    elif direct and route.transport != TRANSPORT_SERVICE:
        yield Finding.warning(
            "other-transport",
            f"goes through {route.transport}, whose session cache and fallback relay are not ours",
            route.proof,
            f"remove that entry, or put {TRANSPORT_SERVICE}'s table in front of it with domain-secure attach",
        )
    if way.program == "smtp" and route.by_sender:
        yield Finding.warning(
            "route-by-sender",
            "may go elsewhere for some senders, without our TLS policy",
            f"{', '.join(route.by_sender)} are set",
            'set "direct = true" under [outbound], then run domain-secure generate and attach',
        )


def _defeated(way: Way) -> Finding:
    route, policy, found = way.route, way.policy, _found(way)
    if route.is_direct:
        return Finding.error(
            "policy-overridden" if policy else "policy-not-found",
            f"goes to its MX hosts by {route.transport} without the TLS policy of the send list",
            f"smtp_tls_policy_maps of {route.transport}: {found}",
            "run domain-secure generate, then domain-secure attach",
        )
    return Finding.error(
        "policy-defeated",
        f"goes to {route.nexthop} by {route.transport}, where the TLS policy of the send list does not apply",
        f"{route.proof}; {found}",
        'keep "direct = true" under [outbound] and run domain-secure attach, '
        f"and take listed domains out of {route.setting} where it still wins",
    )


def _found(way: Way) -> str:
    if (policy := way.policy) is not None:
        return f"{policy.table} has {policy.key} = {policy.value}"
    return f"no entry for {', '.join(_nexthops(way.route))} in {way.policy_setting or 'any table'}"


def _nexthops(route: Route) -> list[str]:
    """Return the nexthops of a route; postconf(5), relayhost: there may be several."""
    return split_elements(route.nexthop)


def _names(entry: Entry, only: Domain | None) -> tuple[str, ...]:
    if only is not None:
        return spellings(only)
    base = entry_base(entry)
    return spellings(f"{SUBDOMAIN}.{base}" if entry.startswith("*.") else base)


def _enumerated(domains: list[str]) -> str:
    named = ", ".join(domains[:NAMED])
    return named if len(domains) <= NAMED else f"{named} and {len(domains) - NAMED} more"
