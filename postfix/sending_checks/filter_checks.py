"""The doctor's questions about filters: does a message go by another machine before it is routed?

What a filter is told to do beats transport_maps, so that nothing of ours can stand in front of it: these
findings are all there is.  A filter on this machine is asked for nothing but to give mail back.
Sources: FILTER_README, SMTPD_PROXY_README, postconf(5) content_filter, header_checks(5), access(5).
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.attach_signs import Signs
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.own_addresses import OwnAddresses
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, table_path

from .told_actions import Told, told_actions
from .ways import Way

# What hands a message to cleanup(8) together with a filter, by postconf(5).
_FILTERING = frozenset({"smtpd", "pickup", "qmqpd"})
_SMTP = frozenset({"smtp", "lmtp"})
_PROGRAMS = frozenset({"pipe", "spawn"})
_COMES_BACK = "let it name a filter on this machine that gives everything back to this Postfix"


def check_filters(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts
) -> Iterator[Finding]:
    """Yield where filters lead; raises Problem when Postfix cannot be asked."""
    own = OwnAddresses.of(instance)
    here: list[str] = []
    for place, destination in _filters(instance):
        way = Way.of(destination, instance, facts)
        if way.stays(own):
            here.append(place)
        else:
            yield from _judged(configuration, way, place, instance)
    for place, destination in _proxies(facts):
        if own.has(destination) or destination.startswith(":"):
            here.append(place)
        else:
            yield _elsewhere(destination, place)
    told = tables_of_others(configuration, instance)
    for action in told.actions:
        if action.verb == "FILTER":
            way = Way.of(action.argument, instance, facts)
            if way.stays(own):
                here.append(action.place)
            else:
                yield from _judged(configuration, way, action.place, instance)
    if here:
        yield Finding.note(
            "content-filter",
            "a filter gets mail before it is routed, and what it sends itself is not under our TLS policy",
            "; ".join(dict.fromkeys(here)),
            "see that the filter gives everything back to this Postfix; it is routed then",
        )
    yield from _not_followed(told)


def tables_of_others(configuration: Configuration, instance: PostfixInstance) -> Told:
    """Return what header checks, body checks and restrictions tell; raises Problem."""
    return told_actions(instance, instance.services(), Signs.of(configuration, instance).endpoints)


def _filters(instance: PostfixInstance) -> Iterator[tuple[str, str]]:
    """Yield each content_filter that is in force, with the place that says so."""
    general = instance.parameter("content_filter", "")
    if general:
        yield f"main.cf: content_filter = {general}", general
    for service in instance.services():
        if service.program in _FILTERING and "content_filter" in service.overrides:
            value = instance.service_parameter(service, "content_filter", "")
            if value:
                yield f"{service.key}: content_filter = {value}", value


def _proxies(facts: PostfixFacts) -> Iterator[tuple[str, str]]:
    for receiver in facts.receivers:
        if proxy := receiver.value("smtpd_proxy_filter"):
            yield f"{receiver.service.key}: smtpd_proxy_filter = {proxy}", proxy


def _judged(
    configuration: Configuration, way: Way, place: str, instance: PostfixInstance
) -> Iterator[Finding]:
    """Yield what is to be said of a filter that is not known to be on this machine."""
    if way.program in _PROGRAMS:
        yield Finding.not_looked_at(
            f"the program that {way.transport} runs as a filter",
            f"{place}; what it does with mail for listed domains is not known to Postfix",
            "see that it gives everything back to this Postfix by sendmail or SMTP",
        )
    elif way.program is None:
        yield Finding.warning(
            "content-filter",
            f"mail waits for a filter that master.cf has not: there is no {way.transport}/unix",
            place,
            "add the service to master.cf, or take the filter out",
        )
    elif way.program not in _SMTP:
        return  # It is returned, thrown away or delivered here: nothing leaves.
    elif not way.nexthop:
        yield from _by_recipient(configuration, way, place)
    elif way.is_verified(instance) and way.transport != TRANSPORT_SERVICE:
        yield Finding.warning(
            "filter-elsewhere",
            f"mail for listed domains may go to {way.nexthop} first, over TLS that is verified for that "
            "host; what becomes of it there is not known",
            place,
            _COMES_BACK,
        )
    else:
        yield _elsewhere(f"{way.nexthop} by {way.transport}", place)


def _by_recipient(configuration: Configuration, way: Way, place: str) -> Iterator[Finding]:
    """Yield what is wrong with a filter that only chooses the transport, and leaves each domain its MX."""
    if way.transport == TRANSPORT_SERVICE:
        return
    tables = "" if way.client is None else way.client.value("smtp_tls_policy_maps")
    if str(table_path(configuration.state, Table.TLS_POLICY)) in tables:
        yield Finding.warning(
            "filter-elsewhere",
            f"mail for listed domains may leave by {way.transport}, whose session cache and fallback relay "
            "are not ours",
            place,
            f"name {TRANSPORT_SERVICE}: there, or take it out",
        )
    else:
        yield Finding.error(
            "filter-elsewhere",
            f"mail for listed domains may leave by {way.transport}, without the TLS policy of the send list",
            place,
            f"name {TRANSPORT_SERVICE}: there, or take it out",
        )


def _elsewhere(target: str, place: str) -> Finding:
    return Finding.error(
        "filter-elsewhere",
        f"mail for listed domains goes to {target}, not known to be this machine, before it is routed: "
        "transport_maps and the TLS policy of the send list do not apply",
        place,
        f"{_COMES_BACK}, or take it out",
    )


def _not_followed(told: Told) -> Iterator[Finding]:
    for place, why in told.unlisted.items():
        yield Finding.not_looked_at(
            f"whether {place} sends mail to a filter, elsewhere or in copy",
            why,
            "see that it answers no FILTER, REDIRECT or BCC",
        )
    for service, place in told.policy_services.items():
        yield Finding.not_looked_at(
            f"whether the policy service {service} sends mail to a filter, elsewhere or in copy",
            f"{place}; it answers while mail comes in",
            "see in its configuration that it answers no FILTER, REDIRECT or BCC",
        )
