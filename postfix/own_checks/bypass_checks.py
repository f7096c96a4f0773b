"""The doctor's questions about bypasses: which are in force, and does somebody end them.

Must not know: Postfix.
"""

from collections.abc import Iterator

from domain_secure.policy.bypass.bypass_file import BypassFile, document_of
from domain_secure.policy.bypass.keeper_lock import is_kept
from domain_secure.policy.bypass.words import in_words
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.findings.findings import Finding


def check_bypasses(configuration: Configuration) -> Iterator[Finding]:
    """Yield each bypass in force, and what would let one go on too long."""
    files = BypassFile(configuration.state)
    try:
        present, in_force = files.present(), files.in_force()
    except NoPermission:
        raise
    except Problem as problem:
        yield Finding.error("bypasses-unreadable", problem.what, problem.where, problem.fix)
        return
    for one in in_force:
        yield Finding.warning(
            "bypass",
            f"{one.entry}: {in_words(document_of(one))}",
            str(files.path),
            f"it ends by itself; at once with `domain-secure partner bypass '{one.entry}' --end`",
        )
    sent = [one for one in present if Direction.SEND in one.directions]
    if not sent or is_kept(configuration.state):
        return
    names = ", ".join(one.entry for one in sent)
    fix = "run `domain-secure partner bypass` as root, and see `systemctl status domain-secure-bypass`"
    if over := [one.entry for one in sent if one not in in_force]:
        yield Finding.error(
            "bypass-not-ended",
            f"mail to {', '.join(over)} may go unproved, although the bypass is over: nobody has ended it",
            str(files.path),
            fix,
        )
        return
    yield Finding.error(
        "bypass-not-kept",
        f"if the daemon ends, mail to {names} goes unproved beyond the end of the bypass: no process waits",
        str(files.path),
        fix,
    )
