"""Who enforces the newest revision, by what the nodes say of themselves.

Owns: that question.  Must not know: how the answer is shown.
"""

from dataclasses import dataclass

from domain_secure.fleet.store.repository import Repository

from .reports import Node, NodeState, read_reports


@dataclass(frozen=True, slots=True)
class Look:
    """What the nodes said at one moment."""

    late: dict[str, str]  #: who does not enforce it, with the reason
    silent: list[str]  #: who belongs to the fleet and says nothing
    live: int  #: machines that say something
    doubled: list[str]  #: of each name that several machines have, a clause


class Enforcement:
    """The newest revision as it is now, and the nodes it is for."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        head = repository.head().envelope
        self.number = head.revision.number if head else 0

    def look(self) -> Look:
        """Return who enforces it; raises StoreProblem."""
        reports = read_reports(self._repository)
        # Afterwards: a node may be further than the revision that is asked for.
        newest = self._repository.history(self.number)
        digests = {one.revision.number: one.revision.digest for one in newest}
        found = Look({}, [], 0, [])
        live = 0
        for name, node in reports.items():
            if node.state is NodeState.SILENT:
                found.silent.append(name)
                continue
            live += len(node.reports) or 1
            if (why := self._missing(node, digests)) is not None:
                found.late[name] = why
            if node.doubled:
                found.doubled.append(node.doubled)
        return Look(found.late, found.silent, live, found.doubled)

    def _missing(self, node: Node, digests: dict[int, str]) -> str | None:
        """Return what a node enforces instead, of the first of its machines that does not enforce it."""
        if node.live is None:
            return node.detail
        for report in node.reports:
            if not report.enforces(self.number, digests):
                why = report.missing(self.number)
                return f"{node.doubled}, and on one: {why}" if node.doubled else why
        return None
