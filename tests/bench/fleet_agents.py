"""Many edges of a fleet in one process: of each the agent of the daemon, and nothing of milter and Postfix.

Started by ``many_edges``, which asks on standard input and is answered on standard output, a line each.
Each edge has its node name, state folder, configuration file, threads, lease and report of its own; when
something new is on its disk its configuration is read as the daemon reads it, and then acknowledged.

Owns: what stands in for the daemon around an agent.
"""

import json
import logging
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from domain_secure.commands.serve.fleet_companion import FleetCompanion
from domain_secure.milter.daemon.surroundings import Running
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.proof.canary import Canaries
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.problems import Problem

_STACK = 256 * 1024  #: octets for each of some thousand threads
_RESTART_SECONDS = 1.0
_AT_ONCE = 4  #: edges that fetch their first policy together

_News = queue.SimpleQueue["_Edge"]


class _Edge:
    """One edge: the companion of the daemon, and what it is told."""

    def __init__(self, file: Path, news: _News) -> None:
        self._file = file
        self._news = news
        self._fault: Problem | None = None
        self._metrics = Metrics()
        self._companion = FleetCompanion(file, lambda *_: None)
        self._fetch_first()
        self._configuration = load(file)
        running = Running(
            lambda: self._configuration, lambda: self._fault, self._metrics, self._wake, Canaries()
        )
        self._agent = self._companion.companions(running)[0]

    def _fetch_first(self) -> None:
        """Fetch the first policy; who gets no answer is started again, as by the service manager."""
        while True:
            try:
                self._companion.fetch_first()
            except Problem as problem:
                print(problem, file=sys.stderr)
                time.sleep(_RESTART_SECONDS)
            else:
                return

    def start(self) -> None:
        """Start the agent; what is in force is acknowledged with its first report."""
        self._companion.publish(self._configuration, self._metrics)
        self._agent.start()

    def reload(self) -> None:
        """Put what is on disk in force, as the supervising thread of the daemon does."""
        try:
            self._configuration = load(self._file)
            self._fault = None
        except Problem as problem:
            self._fault = problem
        self._companion.publish(self._configuration, self._metrics)

    def state(self) -> tuple[float, float]:
        """Return the revision in force, and when the store answered last."""
        value = self._metrics.registry.get_sample_value
        applied = value("domain_secure_fleet_applied_revision")
        return applied or 0.0, value("domain_secure_fleet_last_contact_timestamp_seconds") or 0.0

    def _wake(self) -> None:
        self._news.put(self)


def main() -> int:
    """Run the edges whose configuration files are named, until standard input ends."""
    logging.getLogger("domain_secure").addHandler(logging.StreamHandler())  # to stderr
    threading.stack_size(_STACK)
    news: _News = queue.SimpleQueue()
    with ThreadPoolExecutor(_AT_ONCE) as together:
        edges = list(together.map(lambda file: _Edge(Path(file), news), sys.argv[1:]))
    threading.Thread(target=_reload, args=(news,), daemon=True).start()
    for line in sys.stdin:
        match line.strip():
            case "start":
                for edge in edges:
                    edge.start()
                answer: object = len(edges)
            case _:
                answer = [edge.state() for edge in edges]
        print(json.dumps(answer), flush=True)
    return 0


def _reload(news: _News) -> None:
    while True:
        news.get().reload()


if __name__ == "__main__":
    sys.exit(main())
