"""Lines of Postfix's log about tables that cannot be opened."""

from pathlib import Path

import pytest

from domain_secure.postfix.log.unavailable_tables import without_tables

STATE = Path("/var/lib/domain-secure")
MAPS = "/var/lib/domain-secure/maps"
HEAD = "Nov 27 15:36:49 mail postfix/"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (
            f"{HEAD}cleanup[740]: error: open {MAPS}/recipient_spelling: No such file or directory",
            ("cleanup", 740),
        ),
        (
            f"{HEAD}trivial-rewrite[7]: error: open database {MAPS}/transport.db: Permission denied",
            ("trivial-rewrite", 7),
        ),
        (
            f"{HEAD}domain-secure/smtp[8]: warning: hash:{MAPS}/tls_policy is unavailable. open database: no",
            ("smtp", 8),
        ),
        (f'{HEAD}smtpd[9]: warning: regexp:{MAPS}/recipient_spelling lookup error for "*"', None),
        (f"{HEAD}smtpd[9]: error: open /etc/postfix/maps: No such file or directory", None),
        (f"{HEAD}smtpd[9]: warning: hash:/etc/aliases is unavailable. open {MAPS}/x.db: no", None),
        (f"{HEAD}cleanup[9]: 4F2C1A0B: message-id=<error: open {MAPS}/transport: no>", None),
        (f"error: open {MAPS}/transport: No such file or directory", None),
    ],
)
def test_who_says_so_is_named(line: str, named: tuple[str, int] | None) -> None:
    """By program and process id; no other table counts, nor what a stranger wrote into a line."""
    found = without_tables([b"another line", line.encode(), b"and one more"], STATE)
    assert found == ({named} if named else frozenset())
