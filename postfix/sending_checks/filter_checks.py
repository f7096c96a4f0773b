"""The doctor's questions about filters: does a message go by another machine before it is routed?

What a filter is told to do beats transport_maps, so that nothing of ours can stand in front of it: these
findings are all there is.  A filter on this machine is asked for nothing but to give mail back.
Sources: FILTER_README, SMTPD_PROXY_README, postconf(5) content_filter, header_checks(5), access(5).
"""

from collections.abc import Iterator, Sequence

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.attach_signs import Signs
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.own_addresses import OwnAddresses, port_of
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, table_path

from .told_actions import Told, told_actions
from .ways import Way

# What hands a message to cleanup(8) together with a filter, by postconf(5).
_FILTERING = frozenset({"smtpd", "pickup", "qmqpd"})
_SMTP = frozenset({"smtp", "lmtp"})
_INTERNAL = frozenset({"cleanup", "pickup", "qmqpd"})  #: read non_smtpd_milters
_PROGRAMS = frozenset({"pipe", "spawn"})
_COMES_BACK = "let it name a filter on this machine that gives everything back to this Postfix"


def check_filters(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, told: Told
) -> Iterator[Finding]:
    """Yield where filters lead; *told* is `tables_of_others`.  Raises Problem if Postfix cannot be asked."""
    own = OwnAddresses.of(instance)
    here: list[tuple[str, str]] = []  #: place and next hop
    filters = [(one.place, one.argument) for one in told.actions if one.verb == "FILTER"]
    for place, destination in (*_filters(instance), *filters):
        way = Way.of(destination, instance, facts)
        if way.stays(own):
            here.append((place, way.nexthop))
        else:
            yield from _judged(configuration, way, place, instance)
    for place, destination in _proxies(facts):
        if own.has(destination) or destination.startswith(":"):
            here.append((place, destination))
        else:
            yield _elsewhere(destination, place)
    yield from _check_here(here, _own_ports(facts))
    yield from _check_milters(configuration, instance, facts)
    yield from _not_followed(told)


def _check_here(here: Sequence[tuple[str, str]], ports: frozenset[str]) -> Iterator[Finding]:
    """Yield what is to be said of filters on this machine; whether they give mail back shows of some."""
    back = [place for place, nexthop in here if port_of(nexthop) in ports]
    if back:
        yield Finding.note(
            "content-filter",
            "a filter gets mail before it is routed, and what it sends itself is not under our TLS policy",
            "; ".join(dict.fromkeys(back)),
            "see that the filter gives everything back to this Postfix; it is routed then",
        )
    for place, nexthop in dict.fromkeys(here):
        if place not in back:
            yield Finding.not_looked_at(
                f"what the filter at {nexthop} does with mail for listed domains",
                f"{place}; it is on this machine, and no service of this Postfix",
                "see that it gives everything back to this Postfix; it is routed then",
            )


def _own_ports(facts: PostfixFacts) -> frozenset[str]:
    """Return the ports at which this Postfix itself takes mail."""
    names = (one.service.name for one in facts.receivers if one.service.type == "inet")
    return frozenset(port_of(name if ":" in name else f":{name}") for name in names)


def _check_milters(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts
) -> Iterator[Finding]:
    """Yield the milters of others, which may add recipients, exchange them, and name a filter."""
    ours = Signs.of(configuration, instance).endpoints
    named: dict[str, str] = {}
    lists = [(one.service.key, "smtpd_milters", one.value("smtpd_milters")) for one in facts.receivers]
    lists += [
        (service.key, "non_smtpd_milters", instance.service_parameter(service, "non_smtpd_milters", ""))
        for service in instance.services()
        if service.program in _INTERNAL
    ]
    for key, parameter, value in lists:
        for element in split_elements(value):
            endpoint = next(iter(split_elements(element.strip("{ }"))), "")
            if endpoint and endpoint not in ours:
                named.setdefault(endpoint, f"{key}: {parameter}")
    for endpoint, place in named.items():
        yield Finding.not_looked_at(
            f"whether the milter {endpoint} gives mail for listed domains to others",
            f"{place}; it may add and change recipients while mail comes in",
            "see in its configuration that it does not",
        )


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
