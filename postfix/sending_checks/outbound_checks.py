"""The doctor's questions about sending: is the dedicated transport as strict as the lists say?

Must not know: where mail for a domain goes; that is ``routing_checks``'s part.
Sources: TLS_README, postconf(5), RFC 8689 section 4.2 for the header field "TLS-Required: No".
"""

from collections.abc import Iterator
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.postfix.attach.attach_signs import TABLE_PARAMETERS
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, table_name, table_path

ATTACH = "run domain-secure attach"
OURS = f"{TRANSPORT_SERVICE}/unix"


def check_outbound(
    configuration: Configuration, facts: PostfixFacts, map_type: str, attach_type: str
) -> Iterator[Finding]:
    """Yield what is wrong with sending; nothing when no domain is on the send list.

    *map_type* is the type that tables are generated in, *attach_type* the one that attach would name.
    """
    if not configuration.send:
        return
    transport = facts.sender(TRANSPORT_SERVICE)
    yield from _check_attached(configuration, facts, transport)
    yield from _check_tables(configuration, facts, transport, map_type, attach_type)
    if transport is not None:
        yield from _check_transport(facts, transport)
        yield from _check_verification(transport, _methods(configuration))
        yield from _check_authorities_folder(transport, facts.queue_directory)


def _check_attached(
    configuration: Configuration, facts: PostfixFacts, transport: ServiceFacts | None
) -> Iterator[Finding]:
    missing = []
    if transport is None:
        missing.append(f"master.cf has no {OURS}")
    missing += [
        f"{parameter} has no {table_path(configuration.state, table)}{_where(parameter, facts)}"
        for parameter, tables in TABLE_PARAMETERS.items()
        for table in tables
        if (configuration.direct or table is Table.TLS_POLICY)
        and not _named(configuration, table, facts.main[parameter])
    ]
    if missing:
        yield Finding.error(
            "outbound-not-attached",
            "Postfix does not use what was generated for the send list",
            "; ".join(missing),
            f"{ATTACH}, and take transport_maps off {facts.routes_set_in} in master.cf"
            if facts.routes_set_in != "main.cf"
            else ATTACH,
        )


def _where(parameter: str, facts: PostfixFacts) -> str:
    """Return where a setting is to be mended when that is not main.cf."""
    elsewhere = parameter == "transport_maps" and facts.routes_set_in != "main.cf"
    return f", as {facts.routes_set_in} has it" if elsewhere else ""


def _check_tables(
    configuration: Configuration,
    facts: PostfixFacts,
    transport: ServiceFacts | None,
    map_type: str,
    attach_type: str,
) -> Iterator[Finding]:
    """Yield a finding for a list of tables in which ours does not decide, or is another than we write."""
    places: list[tuple[str, Table, str, str]] = [
        (
            facts.routes_set_in if parameter == "transport_maps" else "main.cf",
            table,
            parameter,
            facts.main[parameter],
        )
        for parameter, tables in TABLE_PARAMETERS.items()
        for table in tables
        if table is not Table.TLS_POLICY
    ]
    policies = [("main.cf", facts.main["smtp_tls_policy_maps"])]
    if transport is not None:
        policies.append((OURS, transport.value("smtp_tls_policy_maps")))
    places += [(place, Table.TLS_POLICY, "smtp_tls_policy_maps", value) for place, value in policies]
    for place, table, parameter, value in places:
        named = _named(configuration, table, value)
        written = table_name(map_type, configuration.state, table)
        if named and named != written:
            yield Finding.error(
                "other-table-type",
                f"{place} names a table of another type than is generated, which nobody keeps up to date",
                f"{place}: {parameter} = {value}; generate writes {written}",
                ATTACH,
            )
        elif named and map_type != attach_type and not table.is_of_patterns:
            yield Finding.warning(
                "other-table-type",
                f"{place} names a table of a type that is no longer Postfix's default, and may go with the "
                "next release; it is kept up to date",
                f"{place}: {parameter} = {value}; default_database_type = {attach_type}",
                ATTACH,
            )
        if named and not _leads(configuration, parameter, table, value):
            yield Finding.error(
                "table-not-first",
                f"in {place} other tables are asked before ours, and what they say counts",
                f"{place}: {parameter} = {value}",
                f"put {named} first in {parameter}",
            )


def _leads(configuration: Configuration, parameter: str, table: Table, value: str) -> bool:
    """Tell whether only tables of ours that belong there are asked before *table*."""
    before = TABLE_PARAMETERS[parameter][: TABLE_PARAMETERS[parameter].index(table)]
    ours = [_named(configuration, one, value) for one in (*before, table)]
    return split_elements(value)[: len(ours)] == ours


def _check_transport(facts: PostfixFacts, transport: ServiceFacts) -> Iterator[Finding]:
    if not any(_certificate_files(transport)):
        yield Finding.error(
            "no-client-certificate",
            "our servers show partners no certificate, so that only one side proves who it is",
            f"{OURS}: smtp_tls_chain_files and smtp_tls_cert_file are empty",
            "import one with domain-secure cert import FILE, then run domain-secure cert enable THUMBPRINT",
        )
    if (level := transport.value("smtp_tls_security_level")) != "secure":
        yield Finding.warning(
            "no-security-floor",
            "mail that reaches the transport without a policy of its own is not verified",
            f"{OURS}: smtp_tls_security_level = {level}",
            ATTACH,
        )
    yield from _check_ways_around(facts, transport)


def _check_ways_around(facts: PostfixFacts, transport: ServiceFacts) -> Iterator[Finding]:
    """Yield what lets mail leave without the check that the policy asks for."""
    if relay := transport.value("smtp_fallback_relay"):
        yield Finding.error(
            "fallback-relay",
            "mail for a partner whose server does not prove itself leaves by another way",
            f"{OURS}: smtp_fallback_relay = {relay}",
            ATTACH,
        )
    if cache := facts.session_cache(transport):
        yield Finding.warning(
            "session-cache",
            "resumed TLS sessions are not verified again, so that a stricter rule waits for up to an hour",
            f"{transport.value('tlsmgr_service_name')}/unix, which keeps the TLS sessions of {OURS}: "
            f"smtp_tls_session_cache_database = {cache}",
            ATTACH,
        )
    if transport.is_on("tls_required_enable"):
        yield Finding.error(
            "tls-required-header",
            'any sender can lift the TLS policy with the header field "TLS-Required: no"',
            f"{OURS}: tls_required_enable = yes",
            ATTACH,
        )
    if tables := transport.value("smtp_tls_per_site"):
        yield Finding.warning(
            "per-site-tables",
            "Postfix ignores smtp_tls_per_site where there is a policy table",
            f"smtp_tls_per_site = {tables}",
            "move its entries to smtp_tls_policy_maps",
        )


def _check_verification(transport: ServiceFacts, methods: frozenset[SendMethod]) -> Iterator[Finding]:
    """Yield what keeps a method in use from ever passing."""
    digest = transport.value("smtp_tls_fingerprint_digest")
    if SendMethod.PIN in methods and digest != "sha256":
        yield Finding.error(
            "fingerprint-digest",
            f"servers' certificates are compared by {digest}, and pins are SHA-256",
            f"{OURS}: smtp_tls_fingerprint_digest = {digest}",
            f"give {OURS} in master.cf: -o smtp_tls_fingerprint_digest=sha256",
        )
    dns = transport.value("smtp_dns_support_level")
    if SendMethod.DANE in methods and dns != "dnssec":
        yield Finding.error(
            "no-dnssec",
            'DANE needs DNSSEC, and mail for partners with send_method = "dane" is deferred without',
            f"{OURS}: smtp_dns_support_level = {dns}",
            f"{ATTACH}, with a validating resolver on this host",
        )
    if SendMethod.PKIX in methods and not (
        transport.value("smtp_tls_CAfile") or transport.value("smtp_tls_CApath")
    ):
        yield Finding.error(
            "no-ca",
            "no certification authority is trusted, so that no partner's server can be verified",
            f"{OURS}: smtp_tls_CAfile and smtp_tls_CApath are empty",
            ATTACH,
        )


def _certificate_files(transport: ServiceFacts) -> list[str]:
    """Return the files a transport's own certificates come from (postconf(5), smtp_tls_chain_files)."""
    if chains := split_elements(transport.value("smtp_tls_chain_files")):
        return chains
    names = ("smtp_tls_cert_file", "smtp_tls_eccert_file", "smtp_tls_dcert_file")
    return [value for name in names if (value := transport.value(name))]


def _check_authorities_folder(transport: ServiceFacts, queue_directory: Path) -> Iterator[Finding]:
    name = transport.value("smtp_tls_CApath")
    if name and not transport.value("smtp_tls_CAfile") and not _has_hashed(transport, queue_directory):
        inside = f", below {queue_directory}" if transport.service.chroot else ""
        yield Finding.error(
            "ca-folder-empty",
            "the folder of authorities holds none by its hash, so that no partner's server can be verified",
            f"{OURS}: smtp_tls_CApath = {name}{inside}",
            ATTACH,
        )


def _has_hashed(transport: ServiceFacts, queue_directory: Path) -> bool:
    """Tell whether smtp_tls_CApath, below the queue directory for a chrooted service, has what it needs."""
    folder = Path(transport.value("smtp_tls_CApath"))
    if transport.service.chroot:
        folder = (
            queue_directory / folder.relative_to("/") if folder.is_absolute() else queue_directory / folder
        )
    return any(folder.glob("????????.[0-9]"))


def _named(configuration: Configuration, table: Table, setting: str) -> str | None:
    """Return our table as a list of tables names it, or None."""
    path = str(table_path(configuration.state, table))
    return next((one for one in split_elements(setting) if one.partition(":")[2] == path), None)


def _methods(configuration: Configuration) -> frozenset[SendMethod]:
    return frozenset(configuration.partner(entry).send_method for entry in configuration.send)
