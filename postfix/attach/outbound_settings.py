"""The outbound half of attach: the dedicated transport, and the tables in front of main.cf's own.

Owns: the ``-o`` options of the transport, and the reasons to refuse.
Must not know: files; it is asked with an instance whose configuration has nothing of ours in it.
Sources: postconf(5), TLS_README, smtp(8), RFC 8689, and what was measured with Postfix 3.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, map_type, table_name

from .attach_signs import TABLE_PARAMETERS, TLS_MANAGER_SERVICE

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
    kind = map_type(instance)
    tables = {table: table_name(kind, configuration.state, table) for table in TABLE_PARAMETERS}
    if not configuration.direct:
        del tables[Table.TRANSPORT]
    return OutboundPlan(
        _options(configuration, instance, tables[Table.TLS_POLICY]),
        {TABLE_PARAMETERS[table]: name for table, name in tables.items()},
    )


def _options(configuration: Configuration, instance: PostfixInstance, policy_table: str) -> dict[str, str]:
    options = {
        "syslog_name": f"postfix/{TRANSPORT_SERVICE}",
        # The floor for what reaches the transport without an entry in the table.
        "smtp_tls_security_level": "secure",
        # Beside it Postfix ignores smtp_tls_per_site, and newer versions warn of any mention of that.
        "smtp_tls_policy_maps": policy_table,
        "smtp_tls_secure_cert_match": "nexthop,dot-nexthop",
        "smtp_tls_mandatory_protocols": ">=TLSv1.2",
        "smtp_tls_mandatory_ciphers": "high",
        "smtp_tls_fingerprint_digest": "sha256",
        "smtp_tls_fingerprint_cert_match": "",
        "smtp_tls_wrappermode": "no",
        # One source of trust; each of the others would add to it.
        "smtp_tls_CAfile": str(configuration.trust.ca_file),
        "smtp_tls_CApath": "",
        "smtp_tls_trust_anchor_file": "",
        "tls_append_default_CA": "no",
        # A resumed session, a reused connection and a fallback relay all skip the check of this delivery.
        # Sessions are kept by tlsmgr(8), which knows its own settings only: so there is one for us alone.
        "smtp_tls_session_cache_database": "",
        "tlsmgr_service_name": TLS_MANAGER_SERVICE,
        "smtp_tls_connection_reuse": "no",
        "smtp_fallback_relay": "",
        # The name that was matched tells afterwards that it was the partner's.
        "smtp_tls_loglevel": "1,certmatch",
    }
    # RFC 8689: a sender's "TLS-Required: No" lifts the policy, from Postfix 3.10 on.
    if instance.parameters("tls_required_enable"):
        options["tls_required_enable"] = "no"
    methods = {configuration.partner(entry).send_method for entry in configuration.send}
    if SendMethod.DANE in methods:
        options["smtp_dns_support_level"] = "dnssec"
    return options
