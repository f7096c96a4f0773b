"""Who waits to be enforced, for ``status``."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from domain_secure.policy.promotion.waiting import waiting
from domain_secure.policy.terms.problems import Problem


def promotions_document(state: Path) -> list[dict[str, Any]] | None:
    """Return those that wait; None where that is not known."""
    try:
        return list(map(asdict, waiting(state)))
    except Problem:
        return None
