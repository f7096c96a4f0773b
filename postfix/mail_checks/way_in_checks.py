"""The doctor's question about other ways in: who may bring a mark along that we did not make?

Owns: by what effect a way in is known to bring no marks, whoever set it up.
Must not know: how attach sees to it.
Sources: header_checks(5), postconf(5) receive_override_options and smtpd_proxy_filter.
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.unmarked import NO_CHECKS, OVERRIDES, THIS_HOST, TRUSTED, left_out, ways_in
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.endpoints import milter_listener
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance

from .mark_checks import TAKING, marks_of


def check_ways_in(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts
) -> Iterator[Finding]:
    """Yield each way in whose mail keeps marks that it brings; nothing where no service is attached.

    Raises Problem when a table does not answer.
    """
    address = milter_listener(configuration, facts.queue_directory)
    attached = {one.service.key for one in facts.receivers if facts.asks(one, address)}
    if not configuration.receive or not attached:
        return
    left = left_out(configuration, instance, attached)
    ways = {service.key for service in ways_in(instance.services())}
    for way in (*facts.receivers, *facts.local_ways):
        key = way.service.key
        if key not in ways or key in attached or left.get(key) == TRUSTED:
            continue
        brought = _brought(configuration, instance, facts, way)
        if brought is None:
            continue
        if left.get(key) == THIS_HOST:
            yield Finding.note(
                "marks-brought-in",
                f"programs of this host can bring marks in by {key}, where filters give mail back",
                brought,
                f"if no filter does, attach it with domain-secure attach --service {key}; if one does, name "
                "it in [inbound] trusted_services",
            )
        else:
            yield Finding.warning(
                "marks-brought-in",
                f"a mark that comes in by {key} is delivered, though nobody proved anything",
                f"{brought}; {left[key]}" if key in left else brought,
                _fix(key, is_left=key in left, is_smtpd=way.service.program == "smtpd"),
            )


def _fix(key: str, *, is_left: bool, is_smtpd: bool) -> str:
    if not is_left:
        return "run domain-secure attach"
    attach = f"attach it with domain-secure attach --service {key}"
    other = attach if is_smtpd else "let the filter give mail back by SMTP"
    return f"{other}, or name {key} in [inbound] trusted_services if only mail of ours comes by it"


def _brought(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, way: ServiceFacts
) -> str | None:
    """Return which mark is not taken off mail that *way* takes in, with the proof; None: each is."""
    key = way.service.key
    if NO_CHECKS in split_elements(way.value(OVERRIDES)):
        return f"{key}: {OVERRIDES} has {NO_CHECKS}"
    if way.service.program == "smtpd" and (proxy := way.value("smtpd_proxy_filter")):
        return f"{key}: smtpd_proxy_filter = {proxy}"
    cleanup = facts.cleanup(way)
    if cleanup is None:
        return f"{key}: cleanup_service_name = {way.value('cleanup_service_name')}, which master.cf has not"
    remaining = dict.fromkeys(marks_of(configuration, instance))
    for table in split_elements(cleanup.value("header_checks")):
        found = instance.query(table, remaining)
        for field, action in found.items():
            if action.split()[0].upper() not in TAKING:
                return f"{cleanup.service.key}: header_checks has {table}, which says {action} of {field}"
            remaining.pop(field, None)
        if not remaining:
            return None
    return f"{cleanup.service.key}: header_checks leaves {next(iter(remaining))}"
