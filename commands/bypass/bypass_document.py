"""The bypasses of this machine as plain values, for whoever shows them.

Owns: the keys, which ``--json`` prints.
"""

from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.bypass.bypass import COUNTED, Bypass, counted
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem


def bypasses_document(configuration: Configuration) -> tuple[list[dict[str, Any]] | None, str | None]:
    """Return the bypasses in force; or why they are not known."""
    files = BypassFile(configuration.state)
    try:
        ever, present = files.ever(), files.in_force()
    except (Problem, OSError) as problem:
        return None, str(problem)
    now = datetime.now(UTC)
    return [document_of(one) | {"in_30_days": counted(one.entry, ever, now)} for one in present], None


def document_of(bypass: Bypass) -> dict[str, Any]:
    """Return one bypass."""
    return {
        "domain": bypass.entry,
        "direction": bypass.direction,
        "start": bypass.start.isoformat(timespec="seconds"),
        "end": bypass.end.isoformat(timespec="seconds"),
        "by": bypass.by,
        "reason": bypass.reason,
        "ended_by": bypass.ended_by,
    }


def recent(ever: tuple[Bypass, ...], present: tuple[Bypass, ...], now: datetime) -> tuple[Bypass, ...]:
    """Return those of the last 30 days that are over."""
    keys = {one.key for one in present}
    return tuple(one for one in ever if one.key not in keys and now - one.end < COUNTED)
