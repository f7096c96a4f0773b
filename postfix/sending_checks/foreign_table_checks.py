"""The doctor's questions about the tables that others wrote and that decide on listed mail.

Owns: what a look-up cannot show: a type that is missing, a stale index, an entry for one recipient or host.
Must not know: where mail for a domain goes; that is ``routing_checks``'s part.
Sources: DATABASE_README, transport(5) "TABLE SEARCH ORDER", postmap(1).
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, entry_base, parse_domain
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import LISTED, split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.domain_spellings import spellings
from domain_secure.postfix.tables.recipient_routes import MOST_NAMES
from domain_secure.postfix.tables.tables import (
    SUFFIXES,
    TRANSPORT_SERVICE,
    Table,
    recipient_routes,
    table_name,
    table_path,
)

_NAMED = 3  #: entries named in a finding
_PARAMETERS = ("transport_maps", "smtp_tls_policy_maps")


def check_foreign_tables(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, only: Domain | None
) -> Iterator[Finding]:
    """Yield what is wrong with the tables beside ours, and which of them cannot be looked into.

    Raises Problem when one does not answer.
    """
    known = instance.map_types
    for parameter in _PARAMETERS:
        for table in split_elements(facts.main.get(parameter, "")):
            kind, _, name = table.removeprefix("proxy:").partition(":")
            if not name:
                continue  # of default_database_type
            if kind not in known:
                yield Finding.error(
                    "table-type-missing",
                    "Postfix cannot open a table, and defers all mail that needs it",
                    f"{parameter} has {table}; postconf -m does not list {kind}",
                    f"install the package for it (Debian: apt install postfix-{kind}), or take it out",
                )
            elif kind in SUFFIXES and not name.startswith(f"{configuration.state}/"):
                yield from _check_age(parameter, kind, Path(name))
    yield from _check_routes(configuration, instance, split_elements(facts.main["transport_maps"]), only)


def _check_routes(
    configuration: Configuration, instance: PostfixInstance, tables: Sequence[str], only: Domain | None
) -> Iterator[Finding]:
    """Yield the routes of single recipients and hosts that Postfix takes before ours for their domain.

    Behind our patterns of addresses nothing is asked about a domain that has one.
    """
    ours = {str(table_path(configuration.state, table)) for table in Table}
    patterns = table_name("", configuration.state, Table.RECIPIENT_TRANSPORT)
    before = tables.index(patterns) if patterns in tables else len(tables)
    bare = set(_without_pattern(configuration))
    for number, table in enumerate(tables):
        entries = configuration.send if number < before else bare
        if table.partition(":")[2] in ours or not entries:
            continue
        # proxymap(8) looks up and does not list: the table behind it is asked.
        behind = table.removeprefix("proxy:")
        if ":" not in behind:
            behind = f"{instance.parameter('default_database_type')}:{behind}"
        kind = behind.partition(":")[0]
        if kind in LISTED:
            yield from _check_entries(configuration, instance, behind, entries, only)
        elif kind in instance.map_types:
            yield Finding.not_looked_at(
                "routes of single recipients",
                f"transport_maps has {table}, whose entries nobody can list, before the routes of listed "
                "domains" + ("" if number < before else f" beyond the first {MOST_NAMES:,} names"),
                f"put {patterns} first in transport_maps with domain-secure attach",
            )


def _without_pattern(configuration: Configuration) -> Iterator[Entry]:
    """Yield the entries of the send list for which there is no pattern of addresses."""
    covered = {route.name for route in recipient_routes(configuration)}
    for entry in configuration.send:
        if not covered.issuperset(spellings(entry_base(entry))):
            yield entry


def _check_age(parameter: str, kind: str, source: Path) -> Iterator[Finding]:
    index = Path(f"{source}{SUFFIXES[kind][0]}")
    if source.exists() and index.exists() and source.stat().st_mtime > index.stat().st_mtime:
        yield Finding.warning(
            "table-stale",
            "a table was edited and not compiled, so that Postfix goes on with its former entries",
            f"{parameter}: {source} is newer than {index.name}",
            f"run postmap {kind}:{source}",
        )


def _check_entries(
    configuration: Configuration,
    instance: PostfixInstance,
    table: str,
    entries: Container[Entry],
    only: Domain | None,
) -> Iterator[Finding]:
    """Yield the entries for single recipients, and for hosts below a wildcard of ours."""
    found = sorted(_elsewhere(configuration, instance.entries(table), entries, only))
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        yield Finding.error(
            "route-by-recipient",
            "mail for some recipients in listed domains goes past the TLS policy of the send list",
            f"{table} has {'; '.join(found[:_NAMED])}{more}",
            "run domain-secure attach, which puts our routes first; or take these entries out of the table",
        )


def _elsewhere(
    configuration: Configuration,
    lines: Iterable[tuple[str, str]],
    entries: Container[Entry],
    only: Domain | None,
) -> Iterator[str]:
    for key, value in lines:
        _, at, name = key.rpartition("@")
        try:
            domain = parse_domain(name.removeprefix("." if not at else ""))
        except InvalidDomainError:
            continue
        entry = configuration.send.match(domain)
        if entry is None or entry not in entries or only not in {None, domain}:
            continue
        # A domain's own entry is asked about with the routing of the domain.
        is_narrower = bool(at) or entry.startswith("*.")
        if is_narrower and value not in _as_ours(configuration, entry):
            yield f"{key} = {value}"


def _as_ours(configuration: Configuration, entry: Entry) -> Container[str]:
    """Return the routes that say what ours does; another nexthop would be verified by its own name."""
    return {f"{TRANSPORT_SERVICE}:{configuration.partner(entry).via or ''}"}
