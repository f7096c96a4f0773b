"""The settings that the doctor judges, as each of Postfix's processes sees them.

Owns: which parameters are read.
Must not know: which values are right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from domain_secure.postfix.instance.endpoints import Address, attached
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service, is_port_25
from domain_secure.postfix.instance.resolver import resolver, resolver_parameters

_SMTPD_PARAMETERS = (
    "cleanup_service_name",
    "milter_default_action",
    "milter_macro_defaults",
    "myhostname",
    "receive_override_options",
    "smtpd_authorized_xclient_hosts",
    "smtpd_client_restrictions",
    "smtpd_data_restrictions",
    "smtpd_enforce_tls",
    "smtpd_forbid_bare_newline",
    "smtpd_forbid_bare_newline_exclusions",
    "smtpd_milter_maps",
    "smtpd_milters",
    "smtpd_policy_service_default_action",
    "smtpd_proxy_filter",
    "smtpd_recipient_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_tls_ask_ccert",
    "smtpd_tls_cert_file",
    "smtpd_tls_chain_files",
    "smtpd_tls_dcert_file",
    "smtpd_tls_dkey_file",
    "smtpd_tls_eccert_file",
    "smtpd_tls_eckey_file",
    "smtpd_tls_enable_rpk",
    "smtpd_tls_fingerprint_digest",
    "smtpd_tls_key_file",
    "smtpd_tls_req_ccert",
    "smtpd_tls_security_level",
    "smtpd_tls_wrappermode",
    "smtpd_upstream_proxy_protocol",
    "smtpd_use_tls",
    "soft_bounce",
    "tls_server_sni_maps",
)
_SMTP_PARAMETERS = (
    "lmtp_header_checks",
    "smtp_header_checks",
    "myhostname",
    "smtp_helo_name",
    "smtp_dns_support_level",
    "smtp_fallback_relay",
    "smtp_tls_CAfile",
    "smtp_tls_CApath",
    "smtp_tls_cert_file",
    "smtp_tls_chain_files",
    "smtp_tls_dcert_file",
    "smtp_tls_dkey_file",
    "smtp_tls_eccert_file",
    "smtp_tls_eckey_file",
    "smtp_tls_fingerprint_digest",
    "smtp_tls_key_file",
    "smtp_tls_loglevel",
    "smtp_tls_per_site",
    "smtp_tls_policy_maps",
    "smtp_tls_security_level",
    "smtp_tls_session_cache_database",
    "tls_required_enable",
    "tlsmgr_service_name",
)
_CLEANUP_PARAMETERS = (
    "cleanup_replace_stray_cr_lf",
    "header_checks",
    "milter_header_checks",
)
#: postconf(5): a list that ends with "reject" lets in nobody whom it does not name.
_ADMITTING = ("smtpd_client_restrictions", "smtpd_relay_restrictions", "smtpd_recipient_restrictions")
_LOCAL_PARAMETERS = ("cleanup_service_name", "receive_override_options")
_FRONT_PROXY = "postscreen_upstream_proxy_protocol"
_MAIN_PARAMETERS = (
    "content_filter",
    "defer_transports",
    "delay_warning_time",
    "mail_owner",
    "maximal_queue_lifetime",
    "multi_instance_directories",
    _FRONT_PROXY,
    "smtp_tls_policy_maps",
    "smtp_tls_security_level",
    "transport_maps",
    "virtual_alias_maps",
)


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service and its effective, expanded settings; a parameter this Postfix does not know is absent."""

    service: Service
    settings: Mapping[str, str]

    def value(self, name: str) -> str:
        """Return a setting, empty where this Postfix does not know it."""
        return self.settings.get(name, "")

    def is_on(self, name: str) -> bool:
        """Tell whether a setting that is yes or no is yes."""
        return self.value(name).lower() == "yes"


@dataclass(frozen=True, slots=True)
class PostfixFacts:
    """One instance."""

    config_directory: Path
    mail_version: str  #: for a person
    #: What every release that knows "shutdown" has, patch levels of older ones among them (postconf(5)).
    default_milter_action: str
    queue_directory: Path
    #: main.cf's effective settings, without a service's overrides; but transport_maps as routes are chosen,
    #: and the proxy in front of postscreen(8) as that one sees it.
    main: Mapping[str, str]
    receivers: tuple[ServiceFacts, ...]  #: every smtpd(8)
    senders: tuple[ServiceFacts, ...]  #: every smtp(8) and lmtp(8)
    tls_managers: tuple[ServiceFacts, ...]  #: every tlsmgr(8)
    behind_postscreen: bool  #: there is a postscreen(8), which hands its clients to smtpd/pass
    cleanups: tuple[ServiceFacts, ...] = ()  #: every cleanup(8)
    local_ways: tuple[ServiceFacts, ...] = ()  #: every pickup(8) and qmqpd(8)
    has_tlsproxy: bool = True  #: master.cf has tlsproxy(8), without which postscreen(8) offers no TLS
    routes_set_in: str = "main.cf"  #: or the service of trivial-rewrite(8) that has transport_maps of its own

    @property
    def public_receivers(self) -> tuple[ServiceFacts, ...]:
        """Return the services that take mail from other organisations.

        They are those of port 25, those that a proxy passes strangers on to, and what is behind
        postscreen(8).
        """
        return tuple(facts for facts in self.receivers if self._is_public(facts))

    def sender(self, name: str) -> ServiceFacts | None:
        """Return the transport *name*, or None when master.cf has no smtp client of that name."""
        return next((facts for facts in self.senders if facts.service.key == f"{name}/unix"), None)

    def asks(self, receiver: ServiceFacts, milter: Address, milters: str | None = None) -> bool:
        """Tell whether a list of milters, by default that of *receiver*, has the one at an address."""
        elements = split_elements(receiver.value("smtpd_milters") if milters is None else milters)
        chroot = receiver.service.chroot
        return any(
            attached(element).address(self.queue_directory, chroot=chroot) == milter for element in elements
        )

    def cleanup(self, receiver: ServiceFacts) -> ServiceFacts | None:
        """Return the cleanup(8) that a way in gives its mail to, or None when master.cf has it not."""
        key = f"{receiver.value('cleanup_service_name')}/unix"
        return next((facts for facts in self.cleanups if facts.service.key == key), None)

    def session_cache(self, sender: ServiceFacts) -> str:
        """Return where the TLS sessions of a transport are kept, empty if nowhere: its tlsmgr(8) decides."""
        name = sender.value("tlsmgr_service_name")
        kept = (one for one in self.tls_managers if one.service.key == f"{name}/unix")
        return next((one.value("smtp_tls_session_cache_database") for one in kept), "")

    def _is_public(self, facts: ServiceFacts) -> bool:
        service = facts.service
        if service.type == "pass":
            return self.behind_postscreen
        if service.type != "inet":
            return False
        is_behind_proxy = bool(facts.value("smtpd_upstream_proxy_protocol"))
        return is_port_25(service.name) or (is_behind_proxy and not _refuses_strangers(facts))


def _front_parameters(instance: PostfixInstance, fronts: list[Service]) -> dict[str, str]:
    values = (instance.service_parameter(front, _FRONT_PROXY, "") for front in fronts)
    proxy = next(filter(None, values), None)
    return {_FRONT_PROXY: proxy} if proxy else {}


def _refuses_strangers(facts: ServiceFacts) -> bool:
    """Tell whether a service takes mail from its own users alone, as one for submission does."""
    lists = (facts.value(name) for name in _ADMITTING)
    return any(split_elements(value)[-1:] == ["reject"] for value in lists)


def facts_of(instance: PostfixInstance) -> PostfixFacts:
    """Ask the instance for all of it; raises Problem when it cannot be asked."""
    services = instance.services()
    rewrite = resolver(instance)
    fronts = [one for one in services if one.program == "postscreen" and one.type == "inet"]
    return PostfixFacts(
        config_directory=instance.config_directory,
        mail_version=instance.parameter("mail_version"),
        default_milter_action=instance.default("milter_default_action"),
        queue_directory=instance.queue_directory,
        main=instance.parameters(*_MAIN_PARAMETERS)
        | resolver_parameters(instance, "transport_maps")
        | _front_parameters(instance, fronts),
        receivers=tuple(
            ServiceFacts(service, instance.service_parameters(service, *_SMTPD_PARAMETERS))
            for service in services
            if service.program == "smtpd"
        ),
        senders=tuple(
            ServiceFacts(service, instance.service_parameters(service, *_SMTP_PARAMETERS))
            for service in services
            if service.program in {"smtp", "lmtp"}
        ),
        tls_managers=tuple(
            ServiceFacts(service, instance.service_parameters(service, "smtp_tls_session_cache_database"))
            for service in services
            if service.program == "tlsmgr"
        ),
        cleanups=tuple(
            ServiceFacts(service, instance.service_parameters(service, *_CLEANUP_PARAMETERS))
            for service in services
            if service.program == "cleanup"
        ),
        local_ways=tuple(
            ServiceFacts(service, instance.service_parameters(service, *_LOCAL_PARAMETERS))
            for service in services
            if service.program in {"pickup", "qmqpd"}
        ),
        behind_postscreen=bool(fronts),
        has_tlsproxy=any(service.program == "tlsproxy" for service in services),
        routes_set_in=rewrite.key if rewrite and "transport_maps" in rewrite.overrides else "main.cf",
    )
