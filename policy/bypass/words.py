"""A bypass in words, the same wherever one is shown to people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_MAIL = {"receive": "mail from it", "send": "mail to it", "both": "mail from and to it"}


def in_words(bypass: Mapping[str, Any]) -> str:
    """Return what a bypass does, until when, who wanted it and why, in the zone of this machine.

    *bypass* is its document, with ``direction``, ``end``, ``by`` and ``reason``.
    """
    until = datetime.fromisoformat(bypass["end"]).astimezone()
    return (
        f"{_MAIL[bypass['direction']]} goes unproved until {until:%Y-%m-%d %H:%M %Z}, NOT secured, "
        f"by {bypass['by']}: {bypass['reason']}"
    )
