"""The doctor's questions about copies and other recipients: who else gets what is for a listed domain?

A copy for a domain of ours stays here, and one for a listed domain is sent as all its mail; any other leaves
as other mail does, which is an error unless TLS with its next hop is verified.
Sources: postconf(5) always_bcc, sender_bcc_maps, recipient_bcc_maps; bcc(5), virtual(5), canonical(5),
ADDRESSREWRITING_README, header_checks(5), access(5).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import entry_base
from domain_secure.postfix.findings.findings import Finding, Severity
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.own_addresses import OwnAddresses
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.table_rows import Row, UnlistedError, rows
from domain_secure.postfix.tables.routing import SAMPLE_USER, Router
from domain_secure.postfix.tables.tables import Table, table_name

from .other_recipients import FROM_PATTERN, REWRITING, by_command, followed, masqueraded
from .recipients import Recipient, addresses, is_listed, speaks_of_listed
from .told_actions import Told
from .ways import Way

# Of cleanup(8), which adds and changes recipients.
_MASQUERADING = ("masquerade_classes", "masquerade_domains")
_COPYING = ("sender_bcc_maps", "recipient_bcc_maps")
_NAMED = 3  #: places named in a finding


def check_copies(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, told: Told
) -> Iterator[Finding]:
    """Yield who gets copies, by which way; *told* is what the tables of others tell.

    Raises Problem when Postfix or a table does not answer.
    """
    unlisted: dict[str, str] = {}
    recipients = [
        *_told(told),
        *_set(configuration, instance, unlisted),
        *by_command(configuration, instance, facts, unlisted),
    ]
    recipients = followed(instance, recipients, unlisted)
    elsewhere = [one for one in recipients if one.domain and not is_listed(configuration, one.domain)]
    verified = _leaving({one.domain for one in elsewhere}, instance, facts)
    yield from _judged([one for one in elsewhere if one.domain in verified], verified)
    for place, why in unlisted.items():
        yield Finding.not_looked_at(
            f"whether {place} gives others what is for listed domains",
            why,
            "see that it names no address elsewhere for recipients in listed domains",
        )


def _leaving(domains: Collection[str], instance: PostfixInstance, facts: PostfixFacts) -> dict[str, bool]:
    """Return the *domains* whose mail leaves this machine, and whether its next hop is verified.

    A domain of ours may be stored elsewhere, or only relayed: its mail leaves as other mail does.
    """
    router, own = Router.of(instance), OwnAddresses.of(instance)
    ours = router.own_domains(domains)
    leaving = {}
    for domain, route in router.routes(domains).items():
        way = Way.of(f"{route.transport}:{route.nexthop}", instance, facts)
        if way.client is None and (domain in ours or way.program not in {"pipe", "spawn"}):
            continue  # It is put into a mailbox, thrown away or returned.
        if not way.stays(own):
            leaving[domain] = way.is_verified(instance)
    return leaving


def _judged(recipients: Iterable[Recipient], verified: Mapping[str, bool]) -> Iterator[Finding]:
    alike: dict[tuple[bool, bool, str], list[Recipient]] = {}
    for one in recipients:
        alike.setdefault((one.instead, verified[one.domain], one.condition), []).append(one)
    for (instead, is_verified, condition), several in alike.items():
        addresses = list(dict.fromkeys(one.address for one in several))
        named = ", ".join(addresses[:_NAMED]) + (" and others" if len(addresses) > _NAMED else "")
        proof = "; ".join(dict.fromkeys(one.place for one in several[:_NAMED]))
        what = ("" if instead else "a copy of ") + "mail for listed domains goes to " + named + condition
        if is_verified:
            yield Finding.note(
                "copy-elsewhere",
                f"{what}, over TLS that is verified for another host",
                proof,
                "see that this is meant",
            )
            continue
        yield Finding(
            Severity.WARNING if condition else Severity.ERROR,
            "copy-elsewhere",
            f"{what}, neither kept here nor on the send list: it leaves as other mail does",
            proof,
            "take it out, name an address of this machine, or have TLS with its servers verified "
            "(smtp_tls_policy_maps: secure)",
        )


def _told(told: Told) -> Iterator[Recipient]:
    for action in told.actions:
        if action.verb != "FILTER":
            for address in addresses(action.argument):
                yield Recipient(address, action.place, instead=action.verb == "REDIRECT")


def _set(
    configuration: Configuration, instance: PostfixInstance, unlisted: dict[str, str]
) -> Iterator[Recipient]:
    """Yield what cleanup(8) is set to add and to change; note in *unlisted* what cannot be listed."""
    seen: set[tuple[str, str]] = set()
    ours = table_name("", configuration.state, Table.RECIPIENT_SPELLING)
    for service in instance.services():
        if service.program != "cleanup":
            continue
        values = instance.service_parameters(service, "always_bcc", *_MASQUERADING, *_COPYING, *REWRITING)
        masquerading = {name: values.pop(name, "") for name in _MASQUERADING}
        yield from masqueraded(configuration, masquerading, service.key)
        for address in addresses(values.pop("always_bcc", "")):
            yield Recipient(address, f"{service.key}: always_bcc = {address}")
        for name, value in values.items():
            for table in split_elements(value):
                if (name, table) in seen or table == ours:
                    continue
                seen.add((name, table))
                place = f"{service.key}: {name} = {table}"
                try:
                    yield from _of_table(configuration, instance, name, table, unlisted)
                except UnlistedError as error:
                    unlisted.setdefault(place, str(error))


def _of_table(
    configuration: Configuration,
    instance: PostfixInstance,
    name: str,
    table: str,
    unlisted: dict[str, str],
) -> Iterator[Recipient]:
    for row in rows(instance, table):
        condition = ""
        # A copy for one recipient goes with a message to several; whoever sends may write to a listed domain.
        if name != "sender_bcc_maps" and not _concerns_listed(configuration, instance, table, row):
            if name in REWRITING and row.key is not None:
                continue
            condition = ", where the pattern fits" if row.pattern else ", where it has that recipient, too"
        for address in addresses(row.value):
            place = f"{name}: {table} has {row.key or row.pattern or 'for any address'} = {row.value}"
            # "@domain" keeps the local part; what a pattern puts in is not known.
            if "$" in address.rpartition("@")[2] and row.key is None:
                unlisted.setdefault(place, FROM_PATTERN)
            else:
                yield Recipient(address, place, instead=name in REWRITING, condition=condition)


def _concerns_listed(configuration: Configuration, instance: PostfixInstance, table: str, row: Row) -> bool:
    """Tell whether a row is found by a recipient in a listed domain, as far as that shows."""
    if row.key is not None:
        _, at, domain = row.key.rpartition("@")
        return bool(at) and is_listed(configuration, domain)
    if not row.pattern:
        return True
    if speaks_of_listed(configuration, row.pattern):
        return True
    # A pattern for whatever comes fits one of them as well as another.
    sample = f"{SAMPLE_USER}@{entry_base(next(iter(configuration.send)))}"
    return instance.query(table, [sample]).get(sample) == row.value
