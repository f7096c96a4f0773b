"""The doctor's questions about our own configuration: valid, and yet probably not meant.

Must not know: Postfix.
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import (
    Configuration,
    Method,
    Mode,
    Partner,
    WhenDown,
)
from domain_secure.policy.configuration.settings import PARTNER
from domain_secure.policy.terms.domain import Entry, entry_base, lies_under
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.findings.findings import Finding

from .enumerated import enumerated
from .gateway_checks import check_gateways
from .places import place


def check_configuration(configuration: Configuration) -> Iterator[Finding]:
    """Yield what is doubtful in a valid configuration."""
    yield from _check_modes(configuration)
    yield from _check_rules(configuration)
    yield from check_gateways(configuration)
    yield from _check_exemptions(configuration)
    if configuration.inbound.when_down is WhenDown.DEFER_LISTED:
        yield Finding.warning(
            "when-down-ignored",
            "while the daemon is down all mail is deferred: Postfix can tell listed mail by its reverse-path "
            "alone, and would let in what claims a listed domain in its header",
            f'{place(configuration, "inbound", "when_down")} = "defer-listed"',
            "take when_down out",
        )
    if not (configuration.receive or configuration.send):
        yield Finding.note(
            "nothing-listed",
            "no domain is listed, so that nothing is checked",
            str(configuration.path),
            "run domain-secure receive add DOMAIN or domain-secure send add DOMAIN",
        )


def _check_modes(configuration: Configuration) -> Iterator[Finding]:
    if configuration.mode is Mode.OBSERVE and configuration.receive:
        yield Finding.note(
            "observe",
            "every verdict is taken, logged and counted, and no message is refused; sending is not affected",
            f'{place(configuration, "mode")} = "observe"',
            'set mode = "enforce" when the trial is over',
        )
        return
    observed = [rule.entry for rule in _receiving_rules(configuration) if rule.mode is Mode.OBSERVE]
    if observed:
        yield Finding.note(
            "observe",
            f"no message is refused for {enumerated(observed)}",
            f'{place(configuration, PARTNER, observed[0], "mode")} = "observe"',
            'set mode = "enforce" when the trial is over',
        )


def _check_rules(configuration: Configuration) -> Iterator[Finding]:
    unused = [
        key
        for key in configuration.partners
        if not (_speaks_for(key, configuration.receive) or _speaks_for(key, configuration.send))
    ]
    if unused:
        yield Finding.warning(
            "unused-rule",
            f"there is a rule for {enumerated(unused)}, which no list has",
            place(configuration, PARTNER, unused[0]),
            "add the domain to a list, or mend its spelling, or remove the rule",
        )
    for partner in _receiving_rules(configuration):
        if partner.methods == (Method.PIN,) and not partner.pins:
            yield Finding.error(
                "no-pins",
                f"nobody can prove to be {partner.entry}: its only method is pin, and no pin is known",
                place(configuration, PARTNER, partner.entry, "methods"),
                f"run domain-secure partner pin {entry_base(partner.entry)} sha256:…",
            )
    weak = [rule.entry for rule in _receiving_rules(configuration) if Method.POSTFIX in rule.methods]
    if weak:
        yield Finding.note(
            "weak-method",
            f"{enumerated(weak)} may be proved by a common name alone, from any authority Postfix trusts",
            f'{place(configuration, PARTNER, weak[0], "methods")} has "postfix"',
            'use "pin" or "pkix" instead where the partner\'s certificate allows it',
        )


def _check_exemptions(configuration: Configuration) -> Iterator[Finding]:
    for name in ("exempt_clients", "trusted_relays"):
        for network in getattr(configuration.inbound, name):
            if network.prefixlen == 0:
                yield Finding.error(
                    "everyone-exempt",
                    "every client is exempt, so that nothing is checked",
                    f"{place(configuration, 'inbound', name)} has {network}",
                    "list only clients that are your own",
                )


def _receiving_rules(configuration: Configuration) -> Iterator[Partner]:
    """Yield the written rules that speak for entries of the receive list."""
    for key, partner in configuration.partners.items():
        if _speaks_for(key, configuration.receive):
            yield partner


def _speaks_for(key: Entry, entries: DomainList) -> bool:
    """Tell whether `Configuration.partner` may find the rule *key* for one of *entries*."""
    base = entry_base(key)
    if key in entries or Entry(f"*.{base}") in entries:
        return True
    return key.startswith("*.") and any(lies_under(entry_base(entry), base) for entry in entries)
