"""Which nodes enforce a revision that the store lacks: it was restored from an older copy, or rewritten.

Owns: that question, and how much a report is worth.
Must not know: what is done about it.

Whoever has a node's password writes its report as he likes.  So what one node says is a reason to name it
and no more, unless it shows the revision with the signature of a trusted key; what more than half of the
nodes say is believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain_secure.fleet.store.repository import Repository
from domain_secure.policy.revisions.lineage import Demands
from domain_secure.policy.revisions.revision import Envelope

from .reports import Node, Report, read_reports

_HISTORY = 100  #: revisions before the head that are compared by name
FARTHEST = 1_000_000  #: revisions; a node that says to be further ahead is not believed


@dataclass(frozen=True, slots=True)
class Ahead:
    """One node that enforces what the store does not have."""

    node: str
    number: int
    revision: Envelope | None  #: as the node shows it; None where it shows none
    is_proven: bool  #: a trusted key signed that revision

    def __str__(self) -> str:
        """Return what it enforces, in one clause."""
        if self.revision is None:
            return f"{self.node} enforces revision {self.number}"
        made = self.revision.revision
        when = f"{made.at:%Y-%m-%d %H:%M} UTC"
        return f"{self.node} enforces revision {self.number} of {when} ({_plain(made.what)})"


@dataclass(frozen=True, slots=True)
class NodesAhead:
    """All of them."""

    nodes: tuple[Ahead, ...]
    live: int  #: nodes that report something that can be read

    @property
    def is_believed(self) -> bool:
        """Tell whether the store certainly is behind: by a signature, or by what most nodes say."""
        return any(one.is_proven for one in self.nodes) or 2 * len(self.nodes) > self.live


def nodes_ahead(repository: Repository, demands: Demands) -> NodesAhead:
    """Return the nodes that are ahead of the store; raises StoreProblem."""
    reports = read_reports(repository)
    # Read after the reports, which say nothing newer than what the store had before.
    head = repository.head().envelope
    if head is None:
        return NodesAhead((), len(reports))
    number = head.revision.number
    history = repository.history(max(0, number - _HISTORY))
    digests = {one.revision.number: one.revision.digest for one in (*history, head)}
    found = [
        ahead
        for name, node in reports.items()
        if (ahead := _ahead(name, node, head, digests, demands)) is not None
    ]
    return NodesAhead(tuple(found), sum(1 for node in reports.values() if node.live is not None))


def newest_known(nodes: Mapping[str, Node], base: int) -> tuple[int, list[str]]:
    """Return the newest revision that any node knows, and the nodes that name one far beyond *base*."""
    newest, beyond = base, []
    for name, node in nodes.items():
        numbers = [number or 0 for report in node.reports for number in (report.milter, report.known)]
        if any(number > base + FARTHEST for number in numbers):
            beyond.append(name)
        newest = max([newest, *(number for number in numbers if number <= base + FARTHEST)])
    return newest, beyond


def _ahead(
    name: str, node: Node, head: Envelope, digests: Mapping[int, str], demands: Demands
) -> Ahead | None:
    for report in node.reports:
        number, proof = report.milter, _shown(report, head)
        if number is None or (proof is None and report.proof is not None):
            continue
        if number > head.revision.number or digests.get(number, report.digest) != report.digest:
            proven = proof is not None and number > head.revision.number and _is_proven(proof, demands)
            return Ahead(name, number, proof, proven)
    return None


def _shown(report: Report, head: Envelope) -> Envelope | None:
    """Return the revision that a report shows, where it is the one it names, and of this fleet."""
    proof = report.proof
    if proof is None or proof.revision.fleet != head.revision.fleet:
        return None
    is_named = (proof.revision.number, proof.revision.digest) == (report.milter, report.digest)
    return proof if is_named else None


def _is_proven(proof: Envelope, demands: Demands) -> bool:
    return proof.is_signed_by(demands.trusted_keys)


def _plain(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()
