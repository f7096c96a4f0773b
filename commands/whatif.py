"""``domain-secure whatif``: which recorded messages would another configuration have treated otherwise?"""

import argparse
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.log.record_text import printable
from domain_secure.commands.terminal.common import configuration_path, print_json
from domain_secure.milter.knowledge.live_configuration import read_live
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.history.history import History, Record, RecordQuery
from domain_secure.policy.history.replay import Replay, Replayer
from domain_secure.policy.history.replayed_records import RecordedCertificates, replays
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import MOMENT_HELP, parse_moment

_EXAMPLES = 5
_LIMITS = (
    "mail that claimed no listed domain then was not recorded: what a newly listed one would meet is unknown",
    "revocation, TLSA records and DKIM keys are taken as they were",
    "mail of a time at which the log was off is counted, and not recorded",
)


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``whatif``."""
    del command
    parser.description = (
        "Judges recorded messages again by the configuration as it is now, or by that of --config, "
        "and prints which would have been treated otherwise. The exit status is 1 where there are any. "
        f"WHEN is {MOMENT_HELP}."
    )
    parser.add_argument("--since", default="7d", metavar="WHEN", help="nothing before (default: %(default)s)")
    parser.add_argument("--until", metavar="WHEN", help="nothing from then on")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


@dataclass(slots=True)
class Change:
    """Messages that would have been treated otherwise in one way."""

    domain: str
    former: tuple[str, str]  #: verdict and effect
    present: tuple[str, str]
    detail: str
    gaps: tuple[str, ...]
    is_otherwise: bool  #: False: the same end, for another reason
    messages: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """All that was found out."""

    since: datetime
    until: datetime | None
    judged: int = 0
    same: int = 0
    unreadable: int = 0
    changes: dict[tuple[object, ...], Change] = field(default_factory=dict)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print what would change, by partner; 1 where something would."""
    path = configuration_path(arguments)
    live = read_live(load, path)
    now = datetime.now().astimezone()
    since = _moment(arguments.since, "--since", now)
    until = _moment(arguments.until, "--until", now) if arguments.until else None
    history = History(live.configuration.state)
    query = RecordQuery(Direction.RECEIVE, since=since, until=until)
    certificates = RecordedCertificates(history, live.configuration.state)
    replayer = Replayer(live.configuration, live.anchors, certificates)
    outcome = Outcome(since, until)
    for record, replay in replays(history.records(query), replayer):
        _note(outcome, record, replay)
    if arguments.json:
        print_json(_document(outcome, path))
    else:
        _print(outcome, path, history)
    return ExitStatus.DIFFERENCE if outcome.changes else ExitStatus.DONE


def _note(outcome: Outcome, record: Record, replay: Replay | None) -> None:
    if replay is None:
        outcome.unreadable += 1
        return
    outcome.judged += 1
    if not replay.is_otherwise and not replay.is_other_reason:
        outcome.same += 1
        return
    deciding = replay.decision.deciding
    recorded = replay.recorded
    domain = deciding.claim.entry if deciding else recorded.claims[0].entry
    former = recorded.verdict.word, str(recorded.effect)
    present = replay.decision.verdict.word, str(replay.decision.effect)
    detail = deciding.detail if deciding else "the domain is not on the list: nothing is asked of its mail"
    key = (domain, former, present, detail, replay.gaps)
    change = outcome.changes.setdefault(
        key, Change(domain, former, present, detail, replay.gaps, replay.is_otherwise)
    )
    change.messages.append(
        {
            "queue_id": record.queue_id,
            "time": record.time.isoformat(timespec="seconds"),
            "client": recorded.client_address,
        }
    )


def _moment(text: str, option: str, now: datetime) -> datetime:
    try:
        return parse_moment(text, now)
    except ValueError as error:
        raise Problem(str(error), option, "correct the time") from error


def _sorted(outcome: Outcome) -> list[Change]:
    """Return the changes by partner, those with another end first, the most messages first."""
    return sorted(
        outcome.changes.values(), key=lambda one: (one.domain, not one.is_otherwise, -len(one.messages))
    )


def _document(outcome: Outcome, path: Path) -> dict[str, Any]:
    return {
        "configuration": str(path),
        "since": outcome.since.isoformat(timespec="seconds"),
        "until": outcome.until.isoformat(timespec="seconds") if outcome.until else None,
        "judged": outcome.judged,
        "same": outcome.same,
        "unreadable": outcome.unreadable,
        "limits": _LIMITS,
        "changes": [
            {
                "domain": one.domain,
                "former": {"verdict": one.former[0], "effect": one.former[1]},
                "present": {"verdict": one.present[0], "effect": one.present[1]},
                "other_end": one.is_otherwise,
                "detail": one.detail,
                "not_known": list(one.gaps),
                "count": len(one.messages),
                "messages": one.messages,
            }
            for one in _sorted(outcome)
        ],
    }


_ENDS = {"accept": "let in", "reject": "refused", "defer": "deferred", "none": "untouched"}


def _print(outcome: Outcome, path: Path, history: History) -> None:
    since = outcome.since.astimezone()
    print(f"{outcome.judged} recorded messages since {since:%Y-%m-%d %H:%M %Z}, judged by {path}")
    if not outcome.judged:
        print(f"there is nothing to judge in {history.path}")
        return
    domain = None
    for change in _sorted(outcome):
        if change.domain != domain:
            domain = change.domain
            print(f"\n{printable(domain)}")
        _print_change(change)
    print(f"\n{outcome.same} would be treated as they were")
    if outcome.unreadable:
        print(f"{outcome.unreadable} could not be read, perhaps from another version")
    print("\nwhat cannot be replayed:")
    for limit in _LIMITS:
        print(f"  {limit}")


def _print_change(change: Change) -> None:
    (verdict, effect), (new_verdict, new_effect) = change.former, change.present
    count = f"{len(change.messages)} message{'s' if len(change.messages) > 1 else ''}"
    print(
        f"  {count}: {_ENDS[effect]} ({verdict}) → {_ENDS[new_effect]} ({new_verdict})"
        + ("" if change.is_otherwise else ", the same end")
    )
    print(f"      {printable(change.detail)}")
    for gap in change.gaps:
        print(f"      not certain: {gap}")
    shown = [printable(one["queue_id"]) for one in change.messages[:_EXAMPLES]]
    more = len(change.messages) - len(shown)
    print(f"      {', '.join(shown)}" + (f" and {more} more" if more else ""))
