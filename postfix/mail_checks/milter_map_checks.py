"""The doctor's question about ``smtpd_milter_maps``: whom does Postfix let in without asking the daemon?

Owns: which addresses are asked for, and what an answer means.
Must not know: how the facts were found.
Source: postconf(5), smtpd_milter_maps: the key is the client's whole address, an answer takes the place of
smtpd_milters, and "DISABLE" stands for none.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from itertools import islice

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.history import History, RecordQuery
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.dns.dns_lookup import Lookups, system_lookup
from domain_secure.postfix.dns.mail_exchangers import is_probeable, mail_domains, mail_exchangers
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.endpoints import Address, milter_listener
from domain_secure.postfix.instance.lookups import LISTED, Hit, Key, first_hits, split_elements
from domain_secure.postfix.instance.programs import PostfixInstance

# Of nobody in particular, from all over: what is said of them is said of whole networks.
STRANGERS = (
    "1.2.3.4",
    "45.67.89.10",
    "89.10.11.12",
    "100.200.30.40",
    "131.2.3.4",
    "185.6.7.8",
    "203.0.113.1",
    "223.4.5.6",
    "2001:db8::1",
    "2400:db8::1",
    "2600:db8::1",
    "2a00:db8::1",
)
_PARTNERS = 10  #: whose mail servers are looked up
_RECORDS = 500  #: of the history, the last
_NAMED = 3  #: addresses named in a finding
_DISABLE = "disable"


def check_milter_maps(
    configuration: Configuration,
    instance: PostfixInstance,
    facts: PostfixFacts,
    lookup: Lookups = system_lookup,
) -> Iterator[Finding]:
    """Yield the clients for which Postfix asks other milters, or none."""
    mapped = [one for one in facts.receivers if one.value("smtpd_milter_maps").strip()]
    address = milter_listener(configuration, facts.queue_directory)
    served = [one for one in mapped if facts.asks(one, address)]
    if not configuration.receive or not served:
        return
    servers, failures = ({}, ()) if _is_local(instance, served) else _mail_servers(configuration, lookup)
    if failures:
        yield Finding.not_looked_at(
            "whether smtpd_milter_maps has partners' mail servers",
            failures[0],
            "mend the resolver, then run domain-secure check again",
        )
    clients = dict.fromkeys(STRANGERS, "anybody") | servers | _seen(configuration)
    for receiver in served:
        yield from _check(receiver, instance, facts, address, clients)


def _check(
    receiver: ServiceFacts,
    instance: PostfixInstance,
    facts: PostfixFacts,
    address: Address,
    clients: Mapping[str, str],
) -> Iterator[Finding]:
    key, maps = receiver.service.key, receiver.value("smtpd_milter_maps")
    try:
        hits = first_hits(instance, split_elements(maps), {client: [Key(client)] for client in clients})
    except Problem as problem:
        yield Finding.not_looked_at(
            f"for which clients {key} asks other milters, or none",
            f"{key}: smtpd_milter_maps = {maps}: {problem.what}",
            problem.fix,
        )
        return
    past = {
        client: hit
        for client, hit in hits.items()
        if hit.value.strip().lower() == _DISABLE or not facts.asks(receiver, address, hit.value)
    }
    if past:
        # A partner's own server says more than an address of nobody.
        told = sorted(past, key=lambda client: clients[client] == "anybody")[:_NAMED]
        yield Finding.error(
            "milters-by-client",
            f"{key} lets some clients in without asking the daemon, whatever domain they name",
            f"{key}: smtpd_milter_maps: "
            + "; ".join(_told(client, past[client], clients) for client in told),
            "take these out of it, or empty it for this service, with -o smtpd_milter_maps= in master.cf",
        )
    else:
        yield Finding.warning(
            "milters-by-client",
            f"{key} may ask other milters, or none, for clients that were not asked about here",
            f"{key}: smtpd_milter_maps = {maps} has nothing for {len(clients)} addresses",
            "see that it lists no client of another organisation, or empty it for this service",
        )


def _is_local(instance: PostfixInstance, served: Iterable[ServiceFacts]) -> bool:
    """Tell whether the tables are such that can be listed, and are about this machine alone."""
    tables = {table for one in served for table in split_elements(one.value("smtpd_milter_maps"))}
    if not all(table.partition(":")[0] in LISTED for table in tables):
        return False
    try:
        return all(ip_address(key).is_loopback for table in tables for key, _ in instance.entries(table))
    except (Problem, ValueError):
        return False


def _told(client: str, hit: Hit, clients: Mapping[str, str]) -> str:
    return f"{hit.table} has {client} ({clients[client]}) = {hit.value}"


def _mail_servers(configuration: Configuration, lookup: Lookups) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the addresses of partners' mail servers, and why there are no more: none are asked for then."""
    found: dict[str, str] = {}
    for entry in islice(configuration.receive, _PARTNERS):
        for domain in mail_domains(entry, configuration.partner(entry)):
            servers = mail_exchangers(domain, lookup)
            if servers.failures:
                return found, servers.failures
            for host in servers.hosts:
                found |= dict.fromkeys(host.addresses, f"{host.name}, of {domain}")
    return found, ()


def _seen(configuration: Configuration) -> dict[str, str]:
    """Return the clients that listed domains were claimed from, as far as the history can be read."""
    try:
        records = History(configuration.state).last_records(RecordQuery(Direction.RECEIVE), _RECORDS)
    except Problem:
        return {}
    clients = (record.document.get("client") for record in records)
    addresses = (str(client.get("address") or "") for client in clients if isinstance(client, dict))
    return dict.fromkeys(filter(is_probeable, addresses), "seen before")
