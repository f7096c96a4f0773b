"""The doctor's questions about line ends: what do Postfix and the next reader take for the end of one?

Owns: what lets a partner's server be made to send a second message, or a field be read that we did not see.
Must not know: how the facts were found.
Sources: postconf(5) smtpd_forbid_bare_newline and cleanup_replace_stray_cr_lf; RFC 5321 section 2.3.8.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.inbound_settings import (
    FORBID_BARE_NEWLINE,
    PERMITTING_BARE_NEWLINE,
    REPLACE_STRAY,
)
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.endpoints import milter_listener
from domain_secure.postfix.instance.lookups import split_elements

from .milter_map_checks import STRANGERS

ATTACH = "run domain-secure attach"

_EXCLUSIONS = f"{FORBID_BARE_NEWLINE}_exclusions"


def check_line_ends(configuration: Configuration, facts: PostfixFacts) -> Iterator[Finding]:
    """Yield where a message may end, or a line, that we did not see ending; for attached services alone."""
    if not configuration.receive:
        return
    address = milter_listener(configuration, facts.queue_directory)
    for receiver in facts.receivers:
        if facts.asks(receiver, address):
            yield from _check_newlines(receiver, facts)
            yield from _check_carriage_returns(receiver, facts)


def _check_newlines(receiver: ServiceFacts, facts: PostfixFacts) -> Iterator[Finding]:
    key, value = receiver.service.key, receiver.settings.get(FORBID_BARE_NEWLINE)
    what = f"{key} takes other line ends than CRLF for the end of a message, so that a partner's server, "
    what += "which passes on what strangers wrote, can be made to send another one in its own name"
    if value is None:
        yield Finding.error(
            "bare-newline",
            what,
            f"{key}: Postfix {facts.mail_version} knows no {FORBID_BARE_NEWLINE}",
            "install 3.7.9, 3.8.4 or newer, then run domain-secure attach",
        )
    elif value.lower() in PERMITTING_BARE_NEWLINE:
        yield Finding.error("bare-newline", what, f"{key}: {FORBID_BARE_NEWLINE} = {value}", ATTACH)
    elif wide := _wide(receiver.value(_EXCLUSIONS)):
        yield Finding.error(
            "bare-newline",
            what,
            f"{key}: {_EXCLUSIONS} has {wide}",
            f"take it out, or give {key} in master.cf: -o {_EXCLUSIONS}=",
        )


def _check_carriage_returns(receiver: ServiceFacts, facts: PostfixFacts) -> Iterator[Finding]:
    cleanup = facts.cleanup(receiver)
    if cleanup is None:
        return
    what = (
        f"{receiver.service.key} leaves carriage returns within lines, which some readers take for their end"
    )
    place = f"{cleanup.service.key}, which gets its mail: {REPLACE_STRAY}"
    value = cleanup.settings.get(REPLACE_STRAY)
    if value is None:
        yield Finding.error(
            "stray-carriage-return",
            what,
            f"{place}: Postfix {facts.mail_version} does not know it",
            "install a newer patch level of Postfix",
        )
    elif value.lower() != "yes":
        yield Finding.error(
            "stray-carriage-return",
            what,
            f"{place} = {value}",
            f"{ATTACH}, or give {cleanup.service.key} in master.cf: -o {REPLACE_STRAY}=yes",
        )


def _wide(exclusions: str) -> str | None:
    """Return the first network of a list that strangers are in, None without one; tables are not asked."""
    for element in split_elements(exclusions):
        try:
            network = ip_network(element.replace("[", "").replace("]", ""), strict=False)
        except ValueError:
            continue
        if any(ip_address(stranger) in network for stranger in STRANGERS):
            return element
    return None
