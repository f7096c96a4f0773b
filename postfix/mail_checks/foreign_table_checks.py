"""The doctor's questions about the tables that others wrote and that decide on listed mail.

Owns: what a look-up cannot show: a type that is missing, a stale index, an entry for one recipient.
Must not know: where mail for a domain goes; that is ``routing_checks``'s part.
Sources: DATABASE_README, transport(5) "TABLE SEARCH ORDER", postmap(1).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, InvalidDomainError, parse_domain
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import SUFFIXES, TRANSPORT_SERVICE

# Types whose entries postmap(1) can list one after the other.
_LISTED_BY_POSTMAP = frozenset({"hash", "btree", "lmdb", "dbm", "texthash", "inline"})
_NAMED = 3  #: entries named in a finding
_PARAMETERS = ("transport_maps", "smtp_tls_policy_maps")


def check_foreign_tables(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, only: Domain | None
) -> Iterator[Finding]:
    """Yield what is wrong with the tables beside ours; raises Problem when one does not answer."""
    known = instance.map_types
    for parameter in _PARAMETERS:
        for table in split_elements(facts.main.get(parameter, "")):
            # proxymap(8) looks up and does not list: the table behind it is asked.
            behind = table.removeprefix("proxy:")
            kind, _, name = behind.partition(":")
            if not name:
                continue  # of default_database_type
            if kind not in known:
                yield Finding.error(
                    "table-type-missing",
                    "Postfix cannot open a table, and defers all mail that needs it",
                    f"{parameter} has {table}; postconf -m does not list {kind}",
                    f"install the package for it (Debian: apt install postfix-{kind}), or take it out",
                )
                continue
            if kind in SUFFIXES and not name.startswith(f"{configuration.state}/"):
                yield from _check_age(parameter, kind, Path(name))
            if parameter == "transport_maps" and kind in _LISTED_BY_POSTMAP:
                yield from _check_recipients(configuration, instance, behind, only)


def _check_age(parameter: str, kind: str, source: Path) -> Iterator[Finding]:
    index = Path(f"{source}{SUFFIXES[kind][0]}")
    if source.exists() and index.exists() and source.stat().st_mtime > index.stat().st_mtime:
        yield Finding.warning(
            "table-stale",
            "a table was edited and not compiled, so that Postfix goes on with its former entries",
            f"{parameter}: {source} is newer than {index.name}",
            f"run postmap {kind}:{source}",
        )


def _check_recipients(
    configuration: Configuration, instance: PostfixInstance, table: str, only: Domain | None
) -> Iterator[Finding]:
    """Yield the entries for single recipients, which win over any entry for their domain."""
    found = list(_elsewhere(configuration, instance.entries(table), only))
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        yield Finding.error(
            "route-by-recipient",
            "mail for some recipients in listed domains goes past the TLS policy of the send list",
            f"{table} has {'; '.join(found[:_NAMED])}{more}",
            "take these entries out of the table, and run postmap for it",
        )


def _elsewhere(
    configuration: Configuration, entries: Iterable[tuple[str, str]], only: Domain | None
) -> Iterator[str]:
    for key, value in entries:
        _, at, name = key.rpartition("@")
        if not at or value.partition(":")[0] == TRANSPORT_SERVICE:
            continue
        try:
            domain = parse_domain(name)
        except InvalidDomainError:
            continue
        if only in {None, domain} and configuration.send.match(domain) is not None:
            yield f"{key} = {value}"
