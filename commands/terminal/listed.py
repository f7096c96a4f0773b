"""A domain that a person names, against the lists: a typing error is told, and nothing is done for it.

Owns: the words for a domain on no list, and what may have been meant.
"""

import argparse
from collections.abc import Collection

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry, entry_base, lies_under
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.suggestions import did_you_mean, nearest_entry


def add_force(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare ``--force``, for a domain that is on no list and is meant all the same."""
    parser.add_argument("--force", action="store_true", help=f"{what} also for a domain that is on no list")


def quoted(entry: Entry) -> str:
    """Return an entry as it is typed: the shell would look for files that match a wildcard."""
    return f"'{entry}'" if "*" in entry else entry


def meant(entry: Entry, lists: Collection[DomainList]) -> str:
    """Return the question after the entry that may have been meant, or nothing."""
    near = nearest_entry(entry, lists)
    return did_you_mean(quoted(near) if near else None)


def covering(entries: DomainList, entry: Entry) -> Entry | None:
    """Return the list entry that speaks for *entry*; a wildcard speaks for itself alone."""
    if entry.startswith("*."):
        return entry if entry in entries else None
    return entries.match(entry_base(entry))


def is_listed(configuration: Configuration, entry: Entry) -> bool:
    """Tell whether an entry of either list speaks for *entry*."""
    return any(covering(one, entry) is not None for one in (configuration.receive, configuration.send))


def is_followed(listed: DomainList, entry: Entry) -> bool:
    """Tell whether an entry of a list goes by a rule for *entry*; see ``Configuration.partner``."""
    if entry in listed:
        return True
    if not entry.startswith("*."):
        return Entry(f"*.{entry}") in listed
    base = entry_base(entry)
    return any(lies_under(entry_base(one), base) for one in listed)


def require_listed(configuration: Configuration, entry: Entry, command: str, *, forced: bool = False) -> None:
    """Raise the Problem of a domain that no entry of either list speaks for; see ``not_listed``."""
    if not is_listed(configuration, entry):
        raise not_listed(configuration, entry, command, forced=forced)


def require_rule(configuration: Configuration, entry: Entry, command: str) -> None:
    """Raise a Problem where no list entry follows, or would follow, a rule written for *entry*.

    A rule that is there already may be changed, whoever follows it.
    """
    lists = (configuration.receive, configuration.send)
    if entry in configuration.partners or any(is_followed(one, entry) for one in lists):
        return
    for listed in lists:
        if (above := covering(listed, entry)) is not None:
            raise Problem(
                f"{entry} is listed as {above}, and follows the rule of that",
                command,
                f"write {quoted(above)}, or give --force if a rule that nothing follows is meant",
                ExitStatus.DIFFERENCE,
            )
    raise not_listed(configuration, entry, command, forced=True)


def not_listed(configuration: Configuration, entry: Entry, command: str, *, forced: bool = False) -> Problem:
    """Return the Problem of a domain on no list; *forced* says that ``--force`` would do it all the same."""
    force = ", or give --force if it is meant" if forced else ""
    return Problem(
        f"{entry} is on no list{meant(entry, (configuration.receive, configuration.send))}",
        command,
        f"list it first with `domain-secure receive add` or `send add`{force}",
        ExitStatus.DIFFERENCE,
    )
