"""What an agreement would change in the rule for a partner: proposed, and applied by nobody but a person.

Owns: which keys of a rule an agreement speaks about, what a change weakens, and the command that makes it.
Must not know: whether the file may be believed, and the clock.
"""

import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime

from domain_secure.policy.configuration.configuration import Configuration, Partner, default_partner
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.domain import Domain, Entry, lies_under
from domain_secure.policy.terms.names import any_name_matches
from domain_secure.policy.terms.timed_pin import time_text

from .agreement import CLIENT, SERVER, Agreement
from .agreement_file import SignedAgreement

_OWN_ALONE = ("entry", "agreement_key", "agreement_issued", "agreement_until")  #: what no other rule lends


@dataclass(frozen=True, slots=True)
class Change:
    """One key of a rule: what it says, and what it would say."""

    key: str
    present: tuple[str, ...]
    agreed: tuple[str, ...]
    remark: str = ""  #: what there is to know before it is accepted


@dataclass(frozen=True, slots=True)
class Proposal:
    """What follows for one domain."""

    entry: Entry
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()  #: what a rule of its own has to say besides for all else to stay

    @property
    def command(self) -> str | None:
        """Return the command that accepts all of it; None where nothing is to be changed."""
        if not self.changes:
            return None
        values = [*((one.key, ",".join(one.agreed)) for one in self.changes), *self.kept]
        written = (shlex.quote(f"{key}={value}") for key, value in values)
        return f"domain-secure partner set {self.entry} {' '.join(written)}"


def proposal_for(
    domain: Domain, signed: SignedAgreement, configuration: Configuration, now: datetime
) -> Proposal:
    """Return what an agreement would change in the rule that holds for a domain."""
    entry, agreement = Entry(domain), signed.agreement
    rule = configuration.partner(entry)
    own = configuration.partners.get(entry)
    found = [
        *_pins(rule, agreement),
        *_names(domain, rule, agreement),
        *_acceptance(own, signed.key, agreement),
    ]
    changes = tuple(one for one in found if set(one.present) != set(one.agreed))
    kept = tuple(_kept(rule, {one.key for one in changes}, default_partner(entry, configuration.mode)))
    remarks = tuple(_remarks(entry, rule, agreement, configuration, now))
    return Proposal(entry, changes, remarks, () if own else kept)


def _kept(rule: Partner, changed: Collection[str], default: Partner) -> Iterator[tuple[str, str]]:
    """Yield what the rule that is followed so far says of all else, which one of its own does not inherit."""
    written = replace(rule, pins=rule.pins - {one.pin for one in rule.timed_pins})
    for key in (one.name for one in fields(Partner)):
        value = getattr(written, key)
        if key not in {*changed, *_OWN_ALONE} and value != getattr(default, key):
            yield key, ",".join(_texts(value) if isinstance(value, frozenset) else _in_order(value))


def _pins(rule: Partner, agreement: Agreement) -> Iterator[Change]:
    timed = {one.public_key: one.timed for one in agreement.keys if one.timed is not None}
    always = {one.public_key for one in agreement.keys if one.timed is None}
    present = rule.pins - {one.pin for one in rule.timed_pins}
    gone = present - always - timed.keys()
    remark = f"no longer announced: {', '.join(map(str, sorted(gone)))}" if gone else ""
    yield Change("pins", _texts(present), _texts(always), remark)
    yield Change("timed_pins", _texts(rule.timed_pins), _texts(timed.values()))


def _names(domain: Domain, rule: Partner, agreement: Agreement) -> Iterator[Change]:
    """Yield the names that the rule would not accept; it keeps those it has."""
    present = {CLIENT: rule.client_names, SERVER: rule.server_names}
    wanted = {
        CLIENT: _uncovered(agreement.client_names, rule.client_names),
        # Where the MX hosts are named, they stand in the place of the names.
        SERVER: _uncovered(agreement.server_names, (*rule.server_names, *rule.mx)),
    }
    if wanted[CLIENT] == wanted[SERVER] and present[CLIENT] == present[SERVER] == rule.names:
        yield _named("names", domain, rule.names, wanted[CLIENT])
        return
    yield _named("receive_names", domain, present[CLIENT], wanted[CLIENT])
    yield _named("send_names", domain, present[SERVER], wanted[SERVER])


def _uncovered(presented: Iterable[str], names: tuple[Domain, ...]) -> tuple[Domain, ...]:
    found = (name for name in presented if any_name_matches((name,), names) is None)
    return tuple(dict.fromkeys(Domain(name.removeprefix("*.")) for name in found))


def _named(key: str, domain: Domain, present: tuple[Domain, ...], more: tuple[Domain, ...]) -> Change:
    foreign = [name for name in more if name != domain and not lies_under(name, domain)]
    remark = f"weaker: not below {domain}: {', '.join(foreign)}" if foreign else ""
    return Change(key, tuple(present), (*present, *more), remark)


def _acceptance(own: Partner | None, key: PublicKey, agreement: Agreement) -> Iterator[Change]:
    """Yield what notes that this file was accepted."""
    former = own and own.agreement_key
    remark = f"in the place of {former}" if former and former != key else ""
    yield Change("agreement_key", (str(former),) if former else (), (str(key),), remark)
    issued, until = (own.agreement_issued, own.agreement_until) if own else (None, None)
    yield Change("agreement_issued", _time(issued), _time(agreement.issued))
    yield Change("agreement_until", _time(until), _time(agreement.valid_until))


def _remarks(
    entry: Entry, rule: Partner, agreement: Agreement, configuration: Configuration, now: datetime
) -> Iterator[str]:
    for name, listed in (("receive", configuration.receive), ("send", configuration.send)):
        match listed.match(Domain(entry)):
            case None:
                yield f"it is not on the {name} list: domain-secure {name} add {entry}"
            case above if above != entry:
                yield (
                    f"it is on the {name} list as {above}, and follows no rule of its own: first "
                    f"domain-secure {name} add {entry}"
                )
    if rule.entry != entry and rule.entry in configuration.partners:
        yield f"it follows the rule of {rule.entry} so far; one of its own is to say the same of all else"
    if not any(one.counts_at(now) for one in agreement.keys):
        yield "none of its keys counts now: what needs a pin waits"
    distrusted = configuration.trust.distrusted
    for one in agreement.keys:
        if distrusted & {one.public_key, *([one.certificate] if one.certificate else [])}:
            yield f"it is distrusted here, and authenticates nobody: {one.public_key}"


def _in_order(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted(map(str, values)))


def _time(moment: datetime | None) -> tuple[str, ...]:
    return (time_text(moment),) if moment else ()
