"""How much the protocol log says, as plain values with stable keys.

Must not know: how it is set; the daemon reads this, and loads nothing that edits.
"""

from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.record.log_levels import configured_levels, temporary_levels


def levels_document(configuration: Configuration) -> dict[str, Any]:
    """Return what holds in both directions; raises Problem."""
    now = datetime.now(UTC)
    temporary = temporary_levels(configuration.state)
    return {
        str(direction): {
            "configured": str(level),
            "temporary": [
                {
                    "level": str(one.level),
                    "domains": list(one.entries),
                    "until": one.until.isoformat(timespec="seconds"),
                }
                for one in temporary
                if one.direction is direction and now < one.until
            ],
        }
        for direction, level in configured_levels(configuration).items()
    }


def told(document: dict[str, Any]) -> str:
    """Return what holds in one direction in one line."""
    temporary = [
        f"{one['level']} for {', '.join(one['domains']) or 'every partner'} until {_local(one['until'])}"
        for one in document["temporary"]
    ]
    return "; ".join([str(document["configured"]), *temporary])


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
