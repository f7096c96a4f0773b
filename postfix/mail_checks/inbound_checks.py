"""The doctor's questions about receiving: does Postfix show us what we judge by, and obey?

Must not know: how the facts were found.
Sources: TLS_README, MILTER_README, SMTPD_POLICY_README, postconf(5).
"""

from collections.abc import Iterator

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.attach.inbound_settings import trusts_this_host
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.endpoints import (
    Address,
    Attached,
    attached,
    milter_listener,
    policy_listener,
    restrictions,
)
from domain_secure.postfix.instance.lookups import split_elements

ATTACH = "run domain-secure attach"

# What is judged by; a default for one of them would be believed as Postfix's word (postconf(5)).
_JUDGED_MACROS = frozenset(
    {"i", "tls_version", "cipher", "cert_subject", "cert_issuer", "client_addr", "client_port", "auth_type"}
)
_LOOPBACK = ("127.", "localhost:", "[::1]:")
_ACTIONS = frozenset({"accept", "reject", "tempfail", "quarantine"})  #: milter_default_action


def check_inbound(configuration: Configuration, facts: PostfixFacts) -> Iterator[Finding]:
    """Yield what is wrong with receiving; nothing when no domain is on the receive list."""
    if not configuration.receive:
        return
    address = milter_listener(configuration, facts.queue_directory)
    served = tuple(one for one in facts.receivers if _our_milter(one, facts, address) is not None)
    if not served:
        yield Finding.error(
            "inbound-not-attached",
            "no smtpd service asks the milter, so that mail from listed domains is not checked",
            f"smtpd_milters of no service has {address}",
            ATTACH,
        )
    for receiver in facts.public_receivers:
        if served and receiver not in served:
            yield Finding.error(
                "service-not-attached",
                f"{receiver.service.key} takes mail past the milter",
                f"{receiver.service.key}: smtpd_milters = {receiver.value('smtpd_milters')}",
                f"{ATTACH} --service {receiver.service.key}",
            )
    for receiver in served or facts.public_receivers:
        yield from _check_tls(receiver)
    for receiver in served:
        if receiver.service.name.startswith(_LOOPBACK) and not trusts_this_host(configuration):
            yield Finding.warning(
                "reinjection-attached",
                f"what a filter gives back to {receiver.service.key} comes without TLS, so that listed mail "
                "is refused there",
                f"{receiver.service.key}: smtpd_milters = {receiver.value('smtpd_milters')}",
                "run domain-secure detach, then attach without that --service",
            )
        yield from _check_milter(receiver, facts, address)
        yield from _check_policy_service(configuration, receiver, facts)


def _check_tls(receiver: ServiceFacts) -> Iterator[Finding]:
    key = receiver.service.key
    level = receiver.value("smtpd_tls_security_level")
    if level in {"", "none"} and not _demands_tls(receiver) and not receiver.is_on("smtpd_use_tls"):
        yield Finding.error(
            "no-starttls",
            f"{key} offers no STARTTLS, so that nobody can prove who they are",
            f"{key}: smtpd_tls_security_level = {level}",
            "set smtpd_tls_security_level = may",
        )
    if not _certificates(receiver):
        yield Finding.error(
            "no-server-certificate",
            f"{key} has no certificate, and Postfix asks no client for one without",
            f"{key}: smtpd_tls_chain_files and smtpd_tls_cert_file are empty",
            "set smtpd_tls_chain_files to a key and its certificate chain",
        )
    yield from _check_client_certificates(receiver)


def _check_client_certificates(receiver: ServiceFacts) -> Iterator[Finding]:
    key = receiver.service.key
    # postconf(5): smtpd_tls_req_ccert is ignored unless every client must use TLS.
    requires = receiver.is_on("smtpd_tls_req_ccert") and _demands_tls(receiver)
    if not (receiver.is_on("smtpd_tls_ask_ccert") or requires):
        yield Finding.error(
            "client-certificate-not-asked",
            f"{key} asks no client for a certificate, so that all mail from listed domains is refused",
            f"{key}: smtpd_tls_ask_ccert = {receiver.value('smtpd_tls_ask_ccert')}",
            ATTACH,
        )
    if requires:
        yield Finding.warning(
            "client-certificate-required",
            f"{key} turns away every client without a certificate",
            f"{key}: smtpd_tls_req_ccert = yes",
            "set smtpd_tls_req_ccert = no and smtpd_tls_ask_ccert = yes",
        )
    if (digest := receiver.value("smtpd_tls_fingerprint_digest")) != "sha256":
        yield Finding.error(
            "fingerprint-digest",
            f"{key} shows certificates by {digest}, and pins are SHA-256",
            f"{key}: smtpd_tls_fingerprint_digest = {digest}",
            "set smtpd_tls_fingerprint_digest = sha256",
        )
    if receiver.is_on("smtpd_tls_enable_rpk"):
        yield Finding.warning(
            "raw-public-keys",
            f"{key} lets clients show a bare public key, which has no name and no issuer",
            f"{key}: smtpd_tls_enable_rpk = yes",
            "set smtpd_tls_enable_rpk = no",
        )


def _check_milter(receiver: ServiceFacts, facts: PostfixFacts, address: Address) -> Iterator[Finding]:
    key = receiver.service.key
    milter = _our_milter(receiver, facts, address)
    if address.path is None:
        yield Finding.warning(
            "milter-over-tcp",
            "the milter is reached over TCP, where every event waits 40 ms for a delayed acknowledgement",
            f"{key}: smtpd_milters has {address}",
            "take socket out of [milter], restart the daemon, and run domain-secure attach",
        )
    if milter is not None:
        yield from _check_when_down(receiver, facts, milter)
    if "no_milters" in split_elements(receiver.value("receive_override_options")):
        yield Finding.error(
            "milters-switched-off",
            f"{key} asks no milter",
            f"{key}: receive_override_options = {receiver.value('receive_override_options')}",
            "take no_milters out of it",
        )
    defaults = receiver.value("milter_macro_defaults")
    if _JUDGED_MACROS & {one.strip("{ ").partition("=")[0].rstrip("} ") for one in split_elements(defaults)}:
        yield Finding.error(
            "faked-macros",
            f"{key} tells the milter of TLS or of a client what is not so",
            f"{key}: milter_macro_defaults = {defaults}",
            "take these macros out of it",
        )
    yield from _check_proxies(receiver)


def _check_proxies(receiver: ServiceFacts) -> Iterator[Finding]:
    key = receiver.service.key
    if proxy := receiver.value("smtpd_proxy_filter"):
        yield Finding.error(
            "proxy-filter",
            f"{key} passes mail on before it has a queue id, by which the two views of a session are joined",
            f"{key}: smtpd_proxy_filter = {proxy}",
            "filter with content_filter or a milter instead",
        )
    if hosts := receiver.value("smtpd_authorized_xclient_hosts"):
        yield Finding.warning(
            "xclient",
            f"for clients introduced by XCLIENT, {key} shows the certificate of who introduced them",
            f"{key}: smtpd_authorized_xclient_hosts = {hosts}",
            "take those hosts out, unless no mail of listed domains comes through them",
        )


def _check_when_down(receiver: ServiceFacts, facts: PostfixFacts, milter: Attached) -> Iterator[Finding]:
    key = receiver.service.key
    action = milter.options.get("default_action", receiver.value("milter_default_action"))
    if action == "accept":
        yield Finding.error(
            "milter-fails-open",
            f"while the daemon is down, {key} lets in mail from listed domains unchecked",
            f"{key}: the milter's default_action is accept",
            ATTACH,
        )
    if action not in _ACTIONS and action != facts.default_milter_action:
        yield Finding.error(
            "milter-action-unknown",
            f"while the daemon is down, {key} answers every message with a temporary error of its own",
            f"{key}: the milter's default_action is {action}, "
            f"which Postfix {facts.mail_version} does not know",
            "run postconf -e milter_default_action=tempfail, then domain-secure attach",
        )


def _check_policy_service(
    configuration: Configuration, receiver: ServiceFacts, facts: PostfixFacts
) -> Iterator[Finding]:
    key = receiver.service.key
    value = receiver.value("smtpd_data_restrictions")
    address = policy_listener(configuration, facts.queue_directory)
    before: list[str] = []
    for restriction, argument in restrictions(value):
        if argument is not None and _leads_to(argument, receiver, facts, address):
            break
        before.append(restriction)
    else:
        yield Finding.error(
            "policy-service-missing",
            f"{key} does not ask the policy service, so that no certificate is ever seen",
            f"{key}: smtpd_data_restrictions = {value}",
            ATTACH,
        )
        return
    if hiding := [word for word in before if word.startswith(("permit", "check_"))]:
        yield Finding.error(
            "policy-service-hidden",
            f"{key} may let a message pass before it asks the policy service",
            f"{key}: smtpd_data_restrictions has {hiding[0]} in front of it",
            "put the policy service first, or run domain-secure detach and attach",
        )


def _our_milter(receiver: ServiceFacts, facts: PostfixFacts, address: Address) -> Attached | None:
    for element in split_elements(receiver.value("smtpd_milters")):
        if _leads_to(element, receiver, facts, address):
            return attached(element)
    return None


def _leads_to(element: str, receiver: ServiceFacts, facts: PostfixFacts, address: Address) -> bool:
    return attached(element).address(facts.queue_directory, chroot=receiver.service.chroot) == address


def _certificates(receiver: ServiceFacts) -> list[str]:
    names = ("smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file")
    return [value for name in names if (value := receiver.value(name)) not in {"", "none"}]


def _demands_tls(receiver: ServiceFacts) -> bool:
    """Tell whether a service serves no client in the clear (smtpd_enforce_tls is the older way)."""
    level = receiver.value("smtpd_tls_security_level")
    legacy = ("smtpd_enforce_tls", "smtpd_tls_wrappermode")
    return level == "encrypt" or any(receiver.is_on(name) for name in legacy)
