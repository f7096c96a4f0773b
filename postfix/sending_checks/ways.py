"""Where a transport and a next hop lead that somebody else has chosen, and how well that way is guarded.

Must not know: why mail would go there.
Sources: transport(5), postconf(5) default_filter_nexthop, TLS_README.
"""

from dataclasses import dataclass

from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.lookups import first_hits, policy_keys, split_elements
from domain_secure.postfix.instance.own_addresses import OwnAddresses
from domain_secure.postfix.instance.programs import PostfixInstance

#: Levels at which nobody else can take the server's place (TLS_README).
_VERIFIED = frozenset({"secure", "fingerprint", "dane-only"})


@dataclass(frozen=True, slots=True)
class Way:
    """One transport with a next hop."""

    transport: str
    nexthop: str  #: empty: the recipient's domain
    program: str | None  #: None: master.cf has no such service
    client: ServiceFacts | None  #: of smtp(8) and lmtp(8)

    @classmethod
    def of(cls, text: str, instance: PostfixInstance, facts: PostfixFacts) -> "Way":
        """Read ``transport:nexthop`` as content_filter and FILTER have it."""
        transport, _, nexthop = text.strip().partition(":")
        nexthop = nexthop.strip() or instance.parameter("default_filter_nexthop", "")
        client = facts.sender(transport)
        service = instance.service(f"{transport}/unix")
        return cls(transport, nexthop, None if service is None else service.program, client)

    def stays(self, own: OwnAddresses) -> bool:
        """Tell whether every next hop is on this machine."""
        nexthops = split_elements(self.nexthop)
        return bool(nexthops) and all(own.has(one) for one in nexthops)

    def is_verified(self, instance: PostfixInstance) -> bool:
        """Tell whether TLS with this next hop is verified, by Postfix's own look-ups; raises Problem."""
        nexthops = split_elements(self.nexthop)
        if self.client is None or not nexthops:
            return False
        tables = split_elements(self.client.value("smtp_tls_policy_maps"))
        found = first_hits(instance, tables, {one: policy_keys(one) for one in nexthops})
        floor = self.client.value("smtp_tls_security_level")
        levels = {found[one].value.split()[0] if one in found else floor for one in nexthops}
        return levels <= _VERIFIED
