"""``domain-secure top``: which partners have mail now, and how it fares."""

import argparse
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_path, print_json, print_table
from domain_secure.commands.terminal.counter_names import counts
from domain_secure.commands.terminal.watching import count, seconds, watch
from domain_secure.milter.page.states import State
from domain_secure.milter.page.status_view import PartnerRow, all_partners, notices, verdict
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.history.history import History
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .command import since_line
from .status_document import status_document

_PAUSE = 2.0
_SHOWN = 100
_HOURS = 48
_BLOCKS = "▁▂▃▄▅▆▇█"


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``top``."""
    del command
    parser.add_argument(
        "--every",
        type=seconds,
        default=_PAUSE,
        metavar="SECONDS",
        help=f"time between two looks (default: {_PAUSE:g})",
    )
    parser.add_argument("--count", type=count, metavar="N", help="end after N looks")
    parser.add_argument("--json", action="store_true", help="look once, and print one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Show the partners, those with most mail first, until Ctrl-C."""
    top = _Top(configuration_path(arguments))
    if arguments.json:
        print_json(top.look())
        return ExitStatus.NO_ANSWER if top.problem else ExitStatus.DONE
    watch(top.show, arguments.every, arguments.count)
    return ExitStatus.NO_ANSWER if top.problem else ExitStatus.DONE


class _Top:
    """Remembers the counters of the last look, for the rates."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._former: Mapping[str, int] = {}
        self._looked: float | None = None
        self.problem: str | None = None  #: why the daemon did not tell anything

    def look(self) -> dict[str, Any]:
        """Return what is shown, as plain values."""
        document, now = status_document(self._path, connectors=False), datetime.now(UTC)
        self.problem = document["daemon"]["problem"]
        rows = all_partners(document, now)
        sums = {row.domain: sum(row.counters.values()) for row in rows}
        rates, self._former = self._rates(sums), sums
        rows.sort(key=lambda row: (-(rates.get(row.domain) or 0), row.state.rank, -sums[row.domain]))
        state, words = verdict(document, notices(document, None), now)
        return {
            "node": document["node"],
            "time": now.isoformat(timespec="seconds"),
            "daemon_problem": self.problem,
            "configuration_problem": document["configuration"]["problem"],
            "state": state.word,
            "summary": words,
            "counted_since": document["counted_since"],
            "partners": [_row(row, rates.get(row.domain)) for row in rows],
        }

    def show(self) -> None:
        """Print what is there now."""
        found = self.look()
        print(f"{found['node']}  {found['time']}  {_SIGNS[found['state']]} {found['summary']}")
        if found["daemon_problem"]:
            print(found["daemon_problem"])
        if found["configuration_problem"]:
            print(f"configuration NOT APPLIED: {found['configuration_problem']}")
        print(self._past())
        print()
        rows = found["partners"][:_SHOWN]
        if not rows and found["configuration_problem"]:
            return
        if not rows:
            print("no domain is listed: add one with `domain-secure receive add` or `domain-secure send add`")
            return
        print_table(
            ("", "domain", "a minute", "received", "refused", "sent", "held", "failures", "last failure"),
            [_cells(row) for row in rows],
        )
        print(since_line(found["counted_since"]))

    def _rates(self, sums: Mapping[str, int]) -> dict[str, float | None]:
        now, before = time.monotonic(), self._looked
        self._looked = now
        if before is None or self.problem:
            return {}
        minutes = max(now - before, 0.001) / 60
        # A daemon whose history was taken away begins at 0.
        return {
            domain: max(0, number - self._former.get(domain, number)) / minutes
            for domain, number in sums.items()
        }

    def _past(self) -> str:
        now = datetime.now(UTC)
        first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS - 1)
        bars: dict[tuple[str, bool], list[int]] = {}
        try:
            for one in History(load(self._path).state).activity(first, now):
                hours = bars.setdefault((one.direction, one.is_success), [0] * _HOURS)
                hours[int((one.hour - first) / timedelta(hours=1))] += one.count
        except (OSError, Problem) as problem:
            return f"no history: {problem}"
        return "\n".join(
            f"{title:<8} {_HOURS} h {_blocks(numbers)} {sum(numbers):,}"
            for title, key in (
                ("received", ("receive", True)),
                ("refused", ("receive", False)),
                ("sent", ("send", True)),
                ("failed", ("send", False)),
            )
            if (numbers := bars.get(key, [0] * _HOURS))
        )


_SIGNS = {state.word: state.sign for state in State}


def _row(row: PartnerRow, rate: float | None) -> dict[str, Any]:
    failures = [one.failure for one in (row.receive, row.send) if one and one.failure]
    failure = max(failures, key=lambda one: one.when.iso, default=None)
    return {
        "domain": row.domain,
        "state": row.state.word,
        "per_minute": None if rate is None else round(rate, 1),
        "counters": dict(row.counters),
        "counts": counts(row.counters),
        "waiting": row.waiting,
        "last_failure": failure
        and {"time": failure.when.iso, "ago": failure.when.ago, "outcome": failure.word},
    }


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    failure, counters = row["last_failure"], row["counters"]
    return (
        f"{_SIGNS[row['state']]} {row['state']}",
        row["domain"],
        "-" if row["per_minute"] is None else f"{row['per_minute']:g}",
        str(counters["Domain Secure Messages Received"]),
        str(counters["Refused or deferred on receipt"]),
        str(counters["Domain Secure Messages Sent"]),
        "-" if row["waiting"] is None else str(row["waiting"]),
        str(counters["Domain Secure Outbound Session Failures"]),
        f"{failure['outcome']}, {failure['ago']}" if failure else "",
    )


def _blocks(numbers: list[int]) -> str:
    most = max(numbers)
    return "".join(_BLOCKS[(number * len(_BLOCKS) - 1) // most] if number else " " for number in numbers)
