"""What follows an edit of a partner's rule: it is told, and waited for until it is in force.

Must not know: what was edited, beyond the names of the keys.
"""

import argparse
from collections.abc import Collection
from itertools import chain

from domain_secure.commands.in_force.receiving import in_force
from domain_secure.commands.terminal.common import add_to_document, already_so, configuration_of, note
from domain_secure.commands.terminal.listed import is_followed, require_rule
from domain_secure.policy.editing.draft import Written
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.editing.partner_editing import Check, no_check
from domain_secure.policy.editing.policy_store import PolicyStore
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus

#: The keys of a partner by which mail is sent to it.
SENDING = frozenset(
    {
        *("names", "send_names", "send_method", "pins", "timed_pins", "minimum_tls", "mx", "via"),
        *("servername", "send_ca_file"),
    }
)
#: Those that only mail sent to it follows.
_SENDING_ALONE = frozenset({"send_names", "send_method", "mx", "via", "servername", "send_ca_file"})


def entry_and_check(arguments: argparse.Namespace, command: str) -> tuple[Entry, Check]:
    """Return the entry that was named, and what forbids to edit a rule that no list entry would follow."""
    (entry,) = parse_entries([arguments.domain])
    if arguments.force:
        return entry, no_check
    return entry, lambda former: require_rule(former, entry, f"{command} {arguments.domain}")


def rule_in_force(arguments: argparse.Namespace, store: PolicyStore, keys: Collection[str]) -> ExitStatus:
    """Wait until mail in both directions follows a change of *keys*, as far as any entry follows the rule."""
    configuration = configuration_of(arguments)
    (entry,) = parse_entries([arguments.domain])
    sent_to = [one for one in configuration.send if configuration.partner(one).entry == entry]
    # Of a partner whose table has no key left the rule of another entry holds: then it is its own entry.
    sent_to = sent_to or [one for one in configuration.send if one == entry]
    return in_force(
        arguments,
        store,
        receiving=is_followed(configuration.receive, entry) and not _SENDING_ALONE.issuperset(keys),
        sent_to=[] if SENDING.isdisjoint(keys) else sent_to,
    )


def tell_written(arguments: argparse.Namespace, files: tuple[Written, ...], unchanged: str) -> None:
    """Say what was written, or that it was so already, and warn where a rule has no effect."""
    (entry,) = parse_entries([arguments.domain])
    add_to_document({"domain": entry, "written": list(map(str, files))})
    if files:
        print(f"written: {', '.join(map(str, files))}")
    else:
        already_so(unchanged)
    configuration = configuration_of(arguments)
    used = (
        configuration.partner(listed).entry for listed in chain(configuration.receive, configuration.send)
    )
    if entry in configuration.partners and entry not in used:
        note(
            f"this has no effect yet: no entry of either list follows the rule of {entry}; "
            f"see `domain-secure receive add` and `domain-secure send add`"
        )
