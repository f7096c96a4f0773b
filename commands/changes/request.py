"""What the daemon sends to root's unit, and what comes back: one JSON document each way.

Owns: that form, and where the unit listens.
Invariant: whatever is sent, reading it gives a request of the known form or a Problem.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain_secure.milter.changes.acts import Act
from domain_secure.milter.changes.page_changes import Order
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import ExitStatus, Problem

FOLDER = Path("/run/domain-secure-changes")
LARGEST = 16 * 1024  #: octets
_FORMAT = 1
_KEYS = ("state", "token", "who", "client")


def socket_path(configuration: Path) -> Path:
    """Return where root's unit listens for a configuration file."""
    return FOLDER / configuration.stem


def written(order: Order) -> bytes:
    """Return an order as it is sent."""
    rest = {key: getattr(order, key) for key in _KEYS}
    return json.dumps({"format": _FORMAT, "act": order.act.fields, **rest}).encode()


def read(content: bytes) -> Order:
    """Return the order that was sent; raises Problem."""
    try:
        document = parse_json(content)
        is_known = len(content) <= LARGEST and document["format"] == _FORMAT
        rest = {key: document[key] for key in _KEYS}
        act = document["act"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _misread() from error
    lines = all(isinstance(one, str) and one.isprintable() and len(one) <= 512 for one in rest.values())
    if not is_known or not lines or not isinstance(act, dict):
        raise _misread()
    return Order(act=Act.parse(act), **rest)


def _misread() -> Problem:
    return Problem("the request cannot be understood", "apply-change", "ask by the status page")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an order."""

    said: tuple[str, ...]
    problem: Problem | None

    def written(self) -> bytes:
        """Return it as it is sent."""
        problem = self.problem and {
            "what": self.problem.what,
            "where": self.problem.where,
            "fix": self.problem.fix,
        }
        return json.dumps({"said": self.said, "problem": problem}).encode() + b"\n"

    @classmethod
    def read(cls, content: bytes) -> "Result":
        """Return what came back; raises Problem where nothing of the known form did."""
        try:
            document: dict[str, Any] = parse_json(content)
            told = document["problem"]
            problem = told and Problem(str(told["what"]), str(told["where"]), str(told["fix"]))
            return cls(tuple(map(str, document["said"])), problem)
        except (ValueError, KeyError, TypeError) as error:
            what = "whoever makes changes did not answer well; it is not known what was done"
            fix = "journalctl -u domain-secure-changes"
            raise Problem(what, str(FOLDER), fix, ExitStatus.NO_ANSWER) from error
