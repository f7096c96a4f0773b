"""Where Postfix would send mail for a domain, found by real look-ups in its tables.

Owns: trivial-rewrite(8)'s order of precedence: the domain's address class, transport_maps, relayhost.
Must not know: what the answer ought to be.
Not seen: entries for single recipients or senders, and content filters.
Sources: trivial-rewrite(8), transport(5), ADDRESS_CLASS_README, postconf(5); compared with a running
trivial-rewrite in ``tests/real/test_routing.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.lookups import Hit, Key, first_hits, name_and_parents, split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.resolver import resolver_parameters

#: A local part nobody has: pattern tables are asked with whole addresses.
SAMPLE_USER = "domain-secure-check"

_CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")
_SENDER_DEPENDENT = ("sender_dependent_default_transport_maps", "sender_dependent_relayhost_maps")
ROUTING_PARAMETERS = (
    *_CLASSES,
    *_SENDER_DEPENDENT,
    "transport_maps",
    "relayhost",
    "default_transport",
    "relay_transport",
    "virtual_transport",
    "local_transport",
    "parent_domain_matches_subdomains",
    "myhostname",
)


@dataclass(frozen=True, slots=True)
class Route:
    """Postfix's answer for one recipient domain."""

    domain: str
    transport: str  #: a service of type unix in master.cf
    nexthop: str
    setting: str  #: the parameter that decided on the nexthop
    proof: str  #: the value or the table entry found
    by_sender: tuple[str, ...] = ()  #: parameters that may send a sender's mail elsewhere

    @property
    def is_direct(self) -> bool:
        """Tell whether mail goes to the domain itself, by its MX hosts."""
        return self.nexthop == self.domain


class Router:
    """The routing settings of one instance, read once."""

    def __init__(self, instance: PostfixInstance, parameters: Mapping[str, str]) -> None:
        self._instance = instance
        self._parameters = parameters
        features = parameters["parent_domain_matches_subdomains"].replace(",", " ").split()
        self._parents_match = frozenset(features)

    @classmethod
    def of(cls, instance: PostfixInstance) -> "Router":
        """Read the settings; raises Problem when the instance cannot be asked."""
        return cls(instance, resolver_parameters(instance, *ROUTING_PARAMETERS))

    def routes(self, domains: Iterable[str]) -> dict[str, Route]:
        """Return where mail for each of *domains* would go; a few look-ups for all of them together.

        Raises Problem when a table does not answer.
        """
        wanted = tuple(dict.fromkeys(domains))
        routes = self._by_class(wanted)
        tables = split_elements(self._parameters["transport_maps"])
        hits = first_hits(self._instance, tables, {domain: self._transport_keys(domain) for domain in wanted})
        for domain, hit in hits.items():
            if routes[domain].setting != "virtual_alias_domains":
                routes[domain] = _transported(routes[domain], hit)
        return routes

    def own_domains(self, domains: Iterable[str]) -> dict[str, str]:
        """Return which of *domains* are of an address class of ours, each with the setting that says so.

        Raises Problem when a table does not answer.
        """
        rest, found = list(dict.fromkeys(domains)), dict[str, str]()
        for setting in _CLASSES:
            found.update(dict.fromkeys(self._members(setting, rest), setting))
            rest = [domain for domain in rest if domain not in found]
        return found

    def _transport_keys(self, domain: str) -> list[Key]:
        parents = name_and_parents(domain, dotted="transport_maps" not in self._parents_match)
        return [
            Key(f"{SAMPLE_USER}@{domain}"),
            *(Key(name, fixed_only=True) for name in parents),
            Key("*"),
        ]

    def _by_class(self, domains: Sequence[str]) -> dict[str, Route]:
        """Return the routes without regard to transport_maps."""
        routes: dict[str, Route] = {}
        for setting in _CLASSES:
            rest = [domain for domain in domains if domain not in routes]
            for domain, element in self._members(setting, rest).items():
                routes[domain] = self._class_route(domain, setting, element)
        for domain in domains:
            if domain not in routes:
                routes[domain] = self._remote(domain, "default_transport", by_sender=_SENDER_DEPENDENT)
        return routes

    def _class_route(self, domain: str, setting: str, element: str) -> Route:
        proof = f"{setting} has {element}"
        if setting == "virtual_alias_domains":
            return Route(domain, "error", "User unknown in virtual alias table", setting, proof)
        if setting == "relay_domains":
            return self._remote(domain, "relay_transport", by_sender=_SENDER_DEPENDENT[1:])
        parameter, default = {
            "mydestination": ("local_transport", self._parameters["myhostname"]),
            "virtual_mailbox_domains": ("virtual_transport", domain),
        }[setting]
        transport, nexthop = _transport_and_nexthop(self._parameters[parameter])
        return Route(domain, transport, nexthop or default, setting, proof)

    def _remote(self, domain: str, parameter: str, by_sender: Sequence[str]) -> Route:
        transport, nexthop = _transport_and_nexthop(self._parameters[parameter])
        senders = tuple(name for name in by_sender if self._parameters[name])
        if nexthop:
            return Route(
                domain, transport, nexthop, parameter, f"{parameter} = {transport}:{nexthop}", senders
            )
        if relayhost := self._parameters["relayhost"]:
            return Route(domain, transport, relayhost, "relayhost", f"relayhost = {relayhost}", senders)
        return Route(domain, transport, domain, parameter, f"{parameter} = {transport}", senders)

    def _members(self, setting: str, domains: Sequence[str]) -> dict[str, str]:
        """Return which of *domains* are on the list *setting*, each with the element that says so."""
        found: dict[str, str] = {}
        decided: set[str] = set()
        by_parents = setting == "relay_domains"
        for element in domain_elements(self._parameters[setting]):
            pattern = element.removeprefix("!")
            for domain in self._matching(pattern, [one for one in domains if one not in decided], by_parents):
                decided.add(domain)
                if pattern == element:
                    found[domain] = element
        return found

    def _matching(self, pattern: str, domains: Sequence[str], by_parents: bool) -> Iterable[str]:
        dotted = "relay_domains" not in self._parents_match
        names = {
            domain: name_and_parents(domain, dotted=dotted) if by_parents else [domain] for domain in domains
        }
        if ":" in pattern:
            keys = {domain: [Key(name) for name in names[domain]] for domain in domains}
            return first_hits(self._instance, [pattern], keys).keys()
        return [domain for domain in domains if pattern.lower() in names[domain]]


def domain_elements(text: str) -> Iterable[str]:
    """Yield the elements of a domain list, a named file's in its place (postconf(5), mydestination)."""
    for element in split_elements(text):
        if not element.startswith("/"):
            yield element
            continue
        try:
            lines = Path(element).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise Problem(
                f"a list of domains cannot be read ({error.strerror})", element, "mend or remove it"
            ) from error
        for line in lines:
            if not line.startswith("#"):
                yield from domain_elements(line)


def _transport_and_nexthop(text: str) -> tuple[str, str]:
    transport, _, nexthop = text.partition(":")
    return transport, nexthop


def _transported(route: Route, hit: Hit) -> Route:
    """Return *route* as an entry of transport_maps changes it (transport(5), "RESULT FORMAT")."""
    transport, nexthop = _transport_and_nexthop(hit.value)
    proof = f"{hit.table} has {hit.key} = {hit.value}"
    if not transport:
        # "as if no table existed": only the nexthop may change, and what the sender decides stays.
        return replace(route, nexthop=nexthop, setting="transport_maps", proof=proof) if nexthop else route
    if not nexthop:
        nexthop = "Address is undeliverable" if transport in {"error", "retry"} else route.domain
    return Route(route.domain, transport, nexthop, "transport_maps", proof)
