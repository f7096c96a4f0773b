"""Propose what has to be demanded of a new partner so that its mail passes as it is, and what that weakens.

Owns: the proposal in both directions, and the rule that a person's own settings would make.
Must not decide: a person reads the price and chooses.
Invariant: a change is proposed only where it was tried on what the servers showed: mail passes with it, or,
of a gateway that shows another certificate when it sends, it is not known that it fails.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain_secure.policy.certificates.gateways import RECIPES, gateway_of_host
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import (
    Condition,
    Configuration,
    Method,
    Partner,
    default_partner,
)
from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.editing.gateway_recipe import with_recipe
from domain_secure.policy.editing.partner_editing import written_value
from domain_secure.policy.sending.send_suggestion import host_of, suggest, whose
from domain_secure.policy.sending.server_verdict import ShownServer
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin

#: Of mail that comes in: what a rule makes of it, a verdict's word, or None where that is not known.
Judge = Callable[[Partner], str | None]

_GOOD = "pass"
#: Failures that another rule may mend; what is revoked or has ended wants another certificate.
_NAME, _CHAIN = "name-mismatch", "untrusted"
_PINS = "pins"


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that belong together, for mail in these *directions*, and their price."""

    directions: tuple[Direction, ...]
    values: tuple[tuple[str, str], ...]  #: as for ``partner set``
    pins: tuple[Pin, ...]
    weakens: str

    @property
    def options(self) -> tuple[str, ...]:
        """Return the change as ``partner add`` takes it."""
        return (
            *(f"--pin {pin}" for pin in self.pins),
            *(_option(key, value) for key, value in self.values),
        )


def _option(key: str, value: str) -> str:
    return {"send_method": f"--method {value}", "names": f"--names {value}"}.get(key, f"--set {key}={value}")


def rule_with(
    rule: Partner, values: Mapping[str, str], pins: Iterable[Pin], configuration: Configuration
) -> Partner:
    """Return a rule as ``partner set`` and ``partner pin`` would leave it; raises Problem as they do."""
    default, known = default_partner(rule.entry, configuration.mode), settings_of(PARTNER)
    new: dict[str, object] = {}
    for key, value in with_recipe(values).items():
        written = written_value(key, value)
        parsed = getattr(default, key) if written is None else known[key].kind.parse(written)
        new[key] = frozenset(parsed) if key == _PINS else parsed
    changed = replace(rule, **new)  # type: ignore[arg-type]
    return replace(changed, pins=changed.pins | frozenset(pins))


def own_rule(configuration: Configuration, entry: Entry) -> Partner:
    """Return the rule that an entry has, or would have once a table of its own is written."""
    return configuration.partners.get(entry) or default_partner(entry, configuration.mode)


def assumed(
    configuration: Configuration, rule: Partner, directions: Iterable[Direction] = tuple(Direction)
) -> Configuration:
    """Return the configuration with a rule's entry on the lists of *directions*, and that rule for it."""
    entry, wanted = rule.entry, frozenset(directions)
    receive, send = configuration.receive, configuration.send
    return replace(
        configuration,
        receive=DomainList([*receive, entry]) if Direction.RECEIVE in wanted else receive,
        send=DomainList([*send, entry]) if Direction.SEND in wanted else send,
        partners={**configuration.partners, entry: rule},
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What a partner's servers showed, and by what it is judged."""

    servers: Sequence[ShownServer]
    nexthop: Domain
    anchors: TrustAnchors  #: for the servers
    at: datetime
    receiving: Judge


def propose(
    shown: Shown, rule: Partner, configuration: Configuration, directions: Iterable[Direction]
) -> tuple[Change, ...]:
    """Return the least changes of *rule* with which mail would pass in these *directions*.

    Nothing where it passes already, and where only the partner can mend it.
    """
    wanted = frozenset(directions)
    changes: list[Change] = []
    if Direction.SEND in wanted and (change := _sending(shown, rule, configuration)):
        rule = rule_with(rule, dict(change.values), change.pins, configuration)
        changes.append(change)
    if Direction.RECEIVE in wanted and shown.receiving(rule) not in {_GOOD, None}:
        for change in _receiving(shown, rule):
            if shown.receiving(rule_with(rule, dict(change.values), change.pins, configuration)) in {
                _GOOD,
                None,
            }:
                changes.append(change)
                break
    return tuple(changes)


def _sending(shown: Shown, rule: Partner, configuration: Configuration) -> Change | None:
    with_chain = [one for one in shown.servers if one.chain]
    found = suggest(with_chain, rule, shown.nexthop, shown.anchors, shown.at)
    if found is None:
        return None
    values = dict(found.values)
    after = rule_with(rule, values, found.pins, configuration)
    # The recipe of a gateway is about both directions, and so is a pin.
    helps_receiving = "gateway" in values or (
        shown.receiving(rule) != _GOOD and shown.receiving(after) == _GOOD
    )
    directions = (Direction.SEND, Direction.RECEIVE) if helps_receiving else (Direction.SEND,)
    return Change(directions, found.values, found.pins, found.weakens)


def _receiving(shown: Shown, rule: Partner) -> Iterator[Change]:
    """Yield what may let mail from there pass, the strictest first."""
    verdict, receive = shown.receiving(rule), (Direction.RECEIVE,)
    if verdict == _NAME:
        for server in shown.servers:
            gateway = gateway_of_host(server.host) if server.host else None
            if gateway and gateway.word in RECIPES and Condition.DKIM not in rule.require:
                price = (
                    f"its servers are {gateway.service}'s, whose certificates all its customers share: mail "
                    "from there needs the partner's own DKIM signature then (docs/gateways.md)"
                )
                yield Change(receive, (("gateway", gateway.word),), (), price)
            for host in filter(None, map(host_of, server.chain[0].dns_names if server.chain else ())):
                names = ",".join((*rule.client_names, host))
                yield Change(
                    receive,
                    (("receive_names", names),),
                    (),
                    f"mail from {rule.entry} passes with a certificate for {host} as well; {whose(host)}",
                )
    if verdict in {_NAME, _CHAIN} and Method.PIN in rule.methods:
        for server in shown.servers:
            if server.chain:
                yield Change(
                    receive,
                    (),
                    (server.chain[0].public_key_pin,),
                    "neither authority, name nor dates are asked of who has this key: compare the digest "
                    "with the partner by another way first",
                )
