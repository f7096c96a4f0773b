"""What each node says of itself, and what becomes of it in one table.

Owns: the form of a report, and the judgement whether a node enforces a revision.
Must not know: how a report comes about.
Invariant: whatever stands under a node's key, reading it yields a report or says that it cannot be read; a
report says nothing that would change a decision about mail.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, Self

from domain_secure.fleet.store.repository import MEMBER, REPORT, Repository
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.terms.kept_json import parse_json, parse_utc

NO_MAPS = "none"  #: of a node that writes no tables for Postfix
_LARGEST = 256 * 1024
_LONGEST = 1900  #: characters of a text; what is longer would make the whole report unreadable
_MOST_DOMAINS = 100  #: whose counters a report names; the others are summed up


@dataclass(frozen=True, slots=True)
class Report:
    """One live node."""

    version: str
    at: datetime
    milter: int | None  #: the revision that decides about mail
    digest: str  #: the name of that revision
    maps: int | str | None  #: the revision in Postfix's tables, read back from disk; NO_MAPS
    problem: str | None  #: why the newest revision is not enforced
    check: str  #: ok, or what is wrong in one word or clause
    certificate_days: int | None  #: until the first of its own certificates ends
    settings: tuple[str, ...]  #: the shared settings this version knows
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  #: its own rules, by partner
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  #: by title, then by list entry
    #: Why Postfix may still go by former routes; None also in reports of releases that do not know.
    not_in_force: str | None = None
    instance: str = ""  #: which machine says it; empty in reports of releases that do not tell
    machine: str = ""  #: its host name, for people
    authserv_id: str = ""  #: under which it writes results
    known: int | None = None  #: the newest revision it ever applied
    proof: Envelope | None = None  #: the revision that it enforces, with its signature

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Return the report; raises ValueError."""
        if len(octets) > _LARGEST:
            raise ValueError("the report is too large")
        try:
            document = parse_json(octets)
            return cls(
                version=_word(document["version"]),
                at=parse_utc(document["at"]),
                milter=_number(document["milter"]),
                digest=_word(document["digest"]),
                maps=NO_MAPS if document["maps"] == NO_MAPS else _number(document["maps"]),
                problem=None if document["problem"] is None else _word(document["problem"]),
                check=_word(document["check"]),
                certificate_days=_number(document["certificate_days"]),
                settings=tuple(map(_word, document["settings"])),
                overrides={_word(key): dict(value) for key, value in document["overrides"].items()},
                counters={
                    _word(title): {_word(entry): int(count) for entry, count in counts.items()}
                    for title, counts in document["counters"].items()
                },
                not_in_force=None if (why := document.get("not_in_force")) is None else _word(why),
                instance=_word(document.get("instance", "")),
                machine=_word(document.get("machine", "")),
                authserv_id=_word(document.get("authserv_id", "")),
                known=_number(document.get("known")),
                proof=_proof(document.get("proof")),
            )
        except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"the report cannot be read ({type(error).__name__})") from error

    def octets(self) -> bytes:
        """Return the form `parse` reads."""
        proof = None if self.proof is None else parse_json(self.proof.octets())
        document = asdict(replace(self, proof=None)) | {"at": self.at.isoformat(), "proof": proof}
        cut = {name: value[:_LONGEST] for name, value in document.items() if isinstance(value, str)}
        return json.dumps(document | cut).encode()

    def enforces(self, number: int, digests: Mapping[int, str]) -> bool:
        """Tell whether this node enforces a revision or a later one, in the milter and in the tables.

        *digests* are the names of the store's revisions by number: a node on another line enforces none.
        """
        in_maps = self.maps == NO_MAPS or (isinstance(self.maps, int) and self.maps >= number)
        if self.milter is None or self.milter < number or not in_maps or self.not_in_force is not None:
            return False
        return digests.get(self.milter) == self.digest

    def missing(self, number: int) -> str:
        """Return what this node enforces instead of a revision, in one clause."""
        if self.problem:
            return self.problem
        if self.milter is None or self.milter != number:
            return f"the milter decides by revision {self.milter or 0}"
        if self.not_in_force:
            return self.not_in_force
        return f"Postfix's tables hold revision {self.maps}"


@unique
class NodeState(StrEnum):
    """What can be said of a node."""

    LIVE = "live"
    SILENT = "silent"  #: it belongs to the fleet, and its report has ended
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the fleet."""

    name: str
    state: NodeState
    live: Report | None = None
    detail: str = ""
    others: tuple[Report, ...] = ()  #: of further machines that call themselves so

    @property
    def reports(self) -> tuple[Report, ...]:
        """Return the report of each machine of this name, none where it is silent."""
        return (() if self.live is None else (self.live,)) + self.others

    @property
    def doubled(self) -> str | None:
        """Return in one clause that several machines call themselves so; None for one."""
        if not self.others:
            return None
        machines = ", ".join(sorted(report.machine or "an older release" for report in self.reports))
        return f"{len(self.reports)} machines call themselves {self.name} ({machines})"


def read_reports(repository: Repository) -> dict[str, Node]:
    """Return every node by its name; raises StoreProblem."""
    said: dict[str, dict[str, bytes]] = {}
    for item in repository.nodes():
        name, what = repository.node_of(item.key)
        said.setdefault(name, {})[what] = item.value
    return {name: _node(name, values) for name, values in sorted(said.items())}


def _node(name: str, values: Mapping[str, bytes]) -> Node:
    """Return what machines of one name say, by key.

    Each has a key of its own.  The common one is written for earlier releases, and counts where one of these
    wrote it, or nobody else says anything.
    """
    readable: dict[str, Report] = {}
    detail = ""
    for what, value in values.items():
        if what == MEMBER:
            continue
        try:
            readable[what] = Report.parse(value)
        except ValueError as error:
            detail = str(error)
    common = readable.pop(REPORT, None)
    if common is not None and (not readable or not common.instance):
        readable[REPORT] = common
    if readable:
        first, *others = readable.values()
        return Node(name, NodeState.LIVE, first, others=tuple(others))
    return Node(name, NodeState.UNREADABLE if detail else NodeState.SILENT, detail=detail)


def bounded_counters(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return counters that fit into a report: the largest by name, the rest under ``*``."""
    bounded: dict[str, dict[str, int]] = {}
    for title, by_entry in counts.items():
        largest = sorted(by_entry.items(), key=lambda pair: (-pair[1], pair[0]))
        bounded[title] = dict(largest[:_MOST_DOMAINS])
        if rest := sum(count for _, count in largest[_MOST_DOMAINS:]):
            bounded[title]["*"] = rest
    return bounded


def summed(nodes: Mapping[str, Node]) -> dict[str, dict[str, int]]:
    """Return the counters of all live nodes together: by title, then by list entry."""
    total: dict[str, dict[str, int]] = {}
    for node in nodes.values():
        for report in node.reports:
            for title, by_entry in report.counters.items():
                row = total.setdefault(title, {})
                for entry, count in by_entry.items():
                    row[entry] = row.get(entry, 0) + count
    return total


def _word(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2000:
        raise ValueError("the report holds something else than text")
    return value if value.isprintable() else value.encode("unicode_escape").decode()


def _proof(document: object) -> Envelope | None:
    return None if document is None else Envelope.parse(json.dumps(document).encode())


def _number(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("the report holds something else than a number")  # noqa: TRY004 - one error type
    return value
