"""How a run of ``partner add`` ended: as one document, and as an exit status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_secure.commands.probe.probe_document import Outcome
from domain_secure.policy.configuration.configuration import Partner
from domain_secure.policy.onboarding.kept_onboarding import Onboarding
from domain_secure.policy.onboarding.proposal import Change
from domain_secure.policy.onboarding.steps import Standing, Step, Watched
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.problems import ExitStatus

from .look import Passing
from .told import Next, Standings, not_known
from .wish import Wish


@dataclass(frozen=True, slots=True)
class End:
    """What there is to tell at the end."""

    wish: Wish
    way: Onboarding
    rule: Partner
    probed: Mapping[str, Any]
    ways: Mapping[Direction, Passing]
    proposal: Sequence[Change]  #: what was not taken
    outcomes: Mapping[Step, str]
    standing: Standings
    watched: Watched | None
    next: Sequence[Next]
    written: Sequence[str]

    @property
    def status(self) -> ExitStatus:
        """Return DONE where nothing is left of what was asked for; on a terminal what is left was chosen."""
        if self.wish.only_looks:
            is_missing = any(self.ways[one].passes is False for one in self.way.directions)
        else:
            asked = [step for step in self.standing if self.wish.reaches(step)]
            is_missing = any(self.standing[step][0] is not Standing.DONE for step in asked)
        if not is_missing or self.wish.can_ask:
            return ExitStatus.DONE
        is_away = Direction.SEND in self.way.directions and self.probed["verdict"] == Outcome.UNREACHABLE
        return ExitStatus.NO_ANSWER if is_away else ExitStatus.DIFFERENCE

    def document(self) -> dict[str, Any]:
        """Return all of it with stable keys."""
        directions = [one for one in Direction if one in self.way.directions]
        return {
            "domain": self.wish.entry,
            "directions": directions,
            "probe": self.probed,
            "would_pass": {
                one: {"passes": self.ways[one].passes, "detail": self.ways[one].detail} for one in directions
            },
            "not_known": list(not_known(self.probed, directions, self.rule)),
            "proposal": [
                {
                    "directions": list(change.directions),
                    "values": dict(change.values),
                    "pins": list(map(str, change.pins)),
                    "options": list(change.options),
                    "weakens": change.weakens,
                }
                for change in self.proposal
            ],
            "watched": self.watched and _watched(self.watched),
            "steps": [
                {
                    "step": step,
                    "standing": how,
                    "outcome": self.outcomes.get(step, "left"),
                    "why": why or None,
                    "since": _text(self.way.done.get(step)) if how is Standing.DONE else None,
                }
                for step, (how, why) in self.standing.items()
            ],
            "next": [{"what": one.what, "command": one.command} for one in self.next],
            "written": list(self.written),
        }


def _watched(watched: Watched) -> dict[str, Any]:
    return {
        "passed": watched.passed,
        "failed": dict(watched.failed),
        "strangers": watched.strangers,
        "unknown": watched.unknown,
        "doubts": list(watched.doubts),
        "problem": watched.problem,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
