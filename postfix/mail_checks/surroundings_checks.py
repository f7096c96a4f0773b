"""The doctor's questions about the rest of Postfix: what is nobody's fault, and yet touches listed mail.

Owns: settings that are neither the attached services' nor the dedicated transport's own TLS.
Must not know: how the facts were found.
Sources: postconf(5), MULTI_INSTANCE_README, POSTSCREEN_README.
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

_NONE_OF = {"", "none"}
_ZERO = "0"


def check_surroundings(configuration: Configuration, facts: PostfixFacts) -> Iterator[Finding]:
    """Yield what elsewhere in Postfix changes the fate of listed mail, or hides it."""
    if configuration.receive or configuration.send:
        yield from _check_instance(facts)
    if configuration.receive:
        for receiver in facts.public_receivers:
            yield from _check_receiver(receiver, facts)
    if configuration.send:
        yield from _check_sending(facts)
        yield from _check_sender_is_told(configuration, facts)


def _check_instance(facts: PostfixFacts) -> Iterator[Finding]:
    if others := facts.main.get("multi_instance_directories", ""):
        yield Finding.note(
            "other-instances",
            "there are more Postfix instances, and this examination is about one of them",
            f"examined: {facts.config_directory}; multi_instance_directories = {others}",
            "give each its own configuration file, and run domain-secure --config FILE check with it",
        )
    if facts.behind_postscreen and not facts.has_tlsproxy:
        yield Finding.error(
            "tlsproxy-missing",
            "postscreen cannot offer STARTTLS, so that nobody can prove who they are while it tests them",
            "master.cf has postscreen and no service that runs tlsproxy",
            "restore the line tlsproxy unix - - y - 0 tlsproxy in master.cf",
        )


def _check_receiver(receiver: ServiceFacts, facts: PostfixFacts) -> Iterator[Finding]:
    key = receiver.service.key
    if receiver.is_on("soft_bounce"):
        yield Finding.warning(
            "soft-bounce",
            f"{key} turns every refusal into a deferral: forged mail is offered again for days",
            f"{key}: soft_bounce = yes",
            "run postconf -e soft_bounce=no when the trial is over",
        )
    proxy = "postscreen_upstream_proxy_protocol" if facts.behind_postscreen else None
    for name, value in (
        ("smtpd_upstream_proxy_protocol", receiver.value("smtpd_upstream_proxy_protocol")),
        (proxy, facts.main.get(proxy or "", "")),
    ):
        if name is not None and value:
            yield Finding.note(
                "upstream-proxy",
                f"a proxy stands in front of {key}; one that ends TLS itself keeps the certificate back, and "
                "whoever else reaches the service says what address he comes from",
                f"{key}: {name} = {value}",
                "let the proxy pass TCP on untouched (HAProxy: mode tcp), and nobody else reach the service",
            )
    if table := receiver.value("tls_server_sni_maps"):
        yield Finding.note(
            "certificate-by-name",
            f"{key} shows another certificate to clients that ask for some names",
            f"{key}: tls_server_sni_maps = {table}",
            "see with postmap -Fq MX-NAME what is shown for the names of our own MX records",
        )


def _check_sending(facts: PostfixFacts) -> Iterator[Finding]:
    if (level := facts.main.get("smtp_tls_security_level", "may")) in _NONE_OF:
        yield Finding.note(
            "other-mail-unencrypted",
            "mail for domains that are not listed leaves without TLS; listed ones are not affected",
            f"main.cf: smtp_tls_security_level = {level}",
            "run postconf -e smtp_tls_security_level=may",
        )
    deferred = split_elements(facts.main.get("defer_transports", ""))
    if TRANSPORT_SERVICE in deferred:
        yield Finding.error(
            "transport-deferred",
            "no mail for listed domains is tried until somebody runs postqueue -f",
            f"main.cf: defer_transports = {' '.join(deferred)}",
            f"take {TRANSPORT_SERVICE} out of defer_transports",
        )
    transport = facts.sender(TRANSPORT_SERVICE)
    if transport is not None and transport.settings.get("smtp_tls_loglevel") == _ZERO:
        yield Finding.error(
            "tls-not-logged",
            "Postfix does not log what TLS a delivery had, so that no delivery is counted as verified",
            f"{TRANSPORT_SERVICE}/unix: smtp_tls_loglevel = 0",
            "run domain-secure attach",
        )


def _check_sender_is_told(configuration: Configuration, facts: PostfixFacts) -> Iterator[Finding]:
    """Yield the advice to tell senders of held mail before it is returned."""
    delay = facts.main.get("delay_warning_time", "")
    if configuration.give_up is None and delay.rstrip("smhdw") == _ZERO:
        yield Finding.note(
            "senders-not-told",
            "who sends to a partner that cannot prove itself hears of it when the message is returned, after "
            + (facts.main.get("maximal_queue_lifetime") or "days"),
            f"main.cf: delay_warning_time = {delay}, and [outbound] give_up is not set",
            "run postconf -e delay_warning_time=4h, or set give_up under [outbound]",
        )
