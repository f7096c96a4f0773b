"""The doctor's questions about agreements: does each hold still, and will a key be left that counts.

Must not know: Postfix, and the files; what was accepted stands in the rules.
"""

from collections.abc import Iterator
from datetime import datetime

from domain_secure.policy.configuration.configuration import Configuration, Partner
from domain_secure.policy.configuration.pins_in_force import pins_at
from domain_secure.policy.configuration.settings import PARTNER
from domain_secure.policy.terms.timed_pin import time_text
from domain_secure.postfix.findings.findings import Finding

from .places import place

_ASK = "ask the partner for his present file, and read it: domain-secure agreement import FILE"


def check_agreements(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield the agreements that have ended or end soon, and the rules in which no pin is left then."""
    for partner in configuration.partners.values():
        yield from _check_end(partner, configuration, now)
        yield from _check_pins(partner, configuration, now)


def _check_end(partner: Partner, configuration: Configuration, now: datetime) -> Iterator[Finding]:
    ends = partner.agreement_until
    if ends is None or ends - now > configuration.trust.expiry_warning:
        return
    proof = f"{place(configuration, PARTNER, partner.entry, 'agreement_until')} = {time_text(ends)}"
    if ends > now:
        what = f"the agreement with {partner.entry} ends in {(ends - now).days} days"
        yield Finding.note("agreement-expires", what, proof, _ASK)
        return
    what = f"the agreement with {partner.entry} has ended; its keys are believed all the same"
    yield Finding.warning("agreement-expired", what, proof, _ASK)


def _check_pins(partner: Partner, configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield when the last pin ends; that none counts now is a finding where a method needs one."""
    ends = [one.ends for one in partner.timed_pins if one.ends is not None]
    last = next((moment for moment in sorted(ends) if not pins_at(partner, moment)), None)
    if last is None or last - now > configuration.trust.expiry_warning:
        return
    later = [one for one in partner.timed_pins if one.begins is not None and one.begins > max(last, now)]
    what = f"the last agreed key of {partner.entry} {'has ended' if last <= now else 'ends'}"
    if later:
        what += ", and the next begins later"
    proof = f"{place(configuration, PARTNER, partner.entry, 'timed_pins')}: {time_text(last)}"
    yield Finding.warning("agreed-keys-end", what, proof, _ASK)
