"""The outbound half of attach: the dedicated transport, and the tables in front of main.cf's own.

Owns: the ``-o`` options of the transport, and the reasons to refuse.
Must not know: files; it is asked with an instance whose configuration has nothing of ours in it.  What the
transport must not inherit is in ``inherited_settings``; here is what our lists and paths decide.
Sources: postconf(5), TLS_README, smtp(8), RFC 8689, and what was measured with Postfix 3.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, map_type, table_name

from .attach_signs import TABLE_PARAMETERS, TLS_MANAGER_SERVICE, normal
from .inherited_settings import UNPROVEN_FAILURES, is_outdated, resets

ORIGINAL = "smtp/unix"  #: the service the transport is a clone of
ORIGINAL_TLS_MANAGER = "tlsmgr/unix"
TLS_MANAGER_OPTIONS = {"smtp_tls_session_cache_database": ""}


@dataclass(frozen=True, slots=True)
class OutboundPlan:
    """What the files are to get."""

    options: Mapping[str, str]  #: of the dedicated transport, behind those of the original
    elements: Mapping[str, str]  #: what goes in front of a list in main.cf, by parameter


def plan_outbound(configuration: Configuration, instance: PostfixInstance) -> OutboundPlan:
    """Return what sending needs; raises Problem for what cannot be done safely."""
    original = instance.service(ORIGINAL)
    if original is None or original.program != "smtp":
        raise Problem(
            f"there is no service {ORIGINAL} that runs smtp", "master.cf", "restore it from master.cf.proto"
        )
    if instance.service(ORIGINAL_TLS_MANAGER) is None:
        raise Problem(
            f"there is no service {ORIGINAL_TLS_MANAGER}, without which there is no TLS",
            "master.cf",
            "restore it from master.cf.proto",
        )
    if instance.parameter("smtp_tls_per_site"):
        raise Problem(
            "Postfix would ignore it as soon as there is a TLS policy table",
            "main.cf: smtp_tls_per_site",
            "move its entries to smtp_tls_policy_maps (TLS_README), and empty it",
        )
    if not configuration.trust.ca_file.exists():
        raise Problem(
            "the trusted certification authorities are missing, and no TLS would be possible",
            f"{configuration.path}: [trust] ca_file = {configuration.trust.ca_file}",
            "name a file that is there, or install ca-certificates",
        )
    if configuration.direct and instance.parameter("virtual_maps", "") and _is_default(instance):
        raise Problem(
            "its tables are read by way of virtual_alias_maps, which is to hold one of ours",
            "main.cf: virtual_maps",
            "set virtual_alias_maps = $virtual_maps, then attach again",
        )
    kind = map_type(instance)
    elements = {
        parameter: ", ".join(table_name(kind, configuration.state, table) for table in tables)
        for parameter, tables in TABLE_PARAMETERS.items()
        if configuration.direct or tables == (Table.TLS_POLICY,)
    }
    options = _options(configuration, instance, original, elements["smtp_tls_policy_maps"])
    return OutboundPlan(options, elements)


def _is_default(instance: PostfixInstance) -> bool:
    """Tell whether virtual_alias_maps says what it says in no main.cf (postconf(5))."""
    return instance.unexpanded("virtual_alias_maps") == instance.default("virtual_alias_maps")


def _options(
    configuration: Configuration, instance: PostfixInstance, original: Service, policy_table: str
) -> dict[str, str]:
    known = instance.defaults()
    wanted = resets(known)
    spared = [
        name
        for name, value in wanted.items()
        if is_outdated(name, known) and normal(instance.service_unexpanded(original, name)) == normal(value)
    ]
    options = {
        "syslog_name": f"{_log_name(instance)}/{TRANSPORT_SERVICE}",
        "smtp_tls_policy_maps": policy_table,
        "smtp_tls_CAfile": str(configuration.trust.ca_file),
        "tlsmgr_service_name": TLS_MANAGER_SERVICE,
        **{name: value for name, value in wanted.items() if name not in spared},
    }
    options.update(_dns_options(configuration, instance))
    has_patterns = "regexp" in instance.map_types
    options["smtp_delivery_status_filter"] = UNPROVEN_FAILURES if has_patterns else ""
    if configuration.direct and all(configuration.partner(entry).via is None for entry in configuration.send):
        options["smtp_sasl_auth_enable"] = "no"
    return options


def _log_name(instance: PostfixInstance) -> str:
    """Return by what the instance's deliveries are told from those of others that log to the same place."""
    # MULTI_INSTANCE_README: only further instances have a name, and they log under it.
    return instance.parameter("syslog_name") if instance.parameter("multi_instance_name", "") else "postfix"


def _dns_options(configuration: Configuration, instance: PostfixInstance) -> dict[str, str]:
    inherited = instance.parameters("disable_dns_lookups", "smtp_dns_support_level")
    level = inherited.get("smtp_dns_support_level", "").lower()
    methods = {configuration.partner(entry).send_method for entry in configuration.send}
    # Left at dnssec where it is already, so that a partner may be moved to DANE without another attach.
    needs_dnssec = SendMethod.DANE in methods or level == "dnssec"
    options = {"smtp_dns_support_level": "dnssec" if needs_dnssec else "enabled"}
    if level == "disabled" or (not level and inherited.get("disable_dns_lookups", "").lower() == "yes"):
        # Without DNS a relay was found in the hosts file, and is to be found there still.
        options["smtp_host_lookup"] = "dns, native"
    return options
