"""Who enforces the newest revision, by what the nodes say of themselves.

Owns: that question.  Must not know: how the answer is shown.
"""

from domain_secure.fleet.store.repository import Repository

from .reports import NodeState, read_reports


class Enforcement:
    """The newest revision as it is now, and the nodes it is for."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        head = repository.head().envelope
        self.number = head.revision.number if head else 0

    def look(self) -> tuple[dict[str, str], list[str], int]:
        """Return who does not enforce it, with the reason, who is silent, and how many are live."""
        # Anew each time: a node may be further than the revision that is asked for.
        newest = self._repository.history(self.number)
        digests = {one.revision.number: one.revision.digest for one in newest}
        late: dict[str, str] = {}
        silent: list[str] = []
        live = 0
        for name, node in read_reports(self._repository).items():
            if node.state is NodeState.SILENT:
                silent.append(name)
                continue
            live += 1
            if node.live is None:
                late[name] = node.detail
            elif not node.live.enforces(self.number, digests):
                late[name] = node.live.missing(self.number)
        return late, silent, live
