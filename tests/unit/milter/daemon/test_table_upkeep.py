"""When Postfix's tables are made."""

from configurations import make_configuration

from domain_secure.milter.daemon.table_upkeep import RETRY_SECONDS, TableUpkeep
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.configuration.configuration import Configuration

CONFIGURATION = make_configuration()


class Publisher:
    """Counts attempts, and fails while *problem* is set."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.attempts = 0

    def __call__(self, configuration: Configuration, metrics: Metrics) -> None:
        """Attempt."""
        assert configuration is CONFIGURATION
        self.attempts += 1
        metrics.tables.attempted(self.problem)


def test_made_when_asked_and_once() -> None:
    """Nothing is done without a reason."""
    publisher = Publisher()
    upkeep = TableUpkeep(publisher, Metrics(), lambda: 1000.0)
    upkeep.attend(CONFIGURATION)
    upkeep.ask()
    upkeep.ask()
    upkeep.attend(CONFIGURATION)
    upkeep.attend(CONFIGURATION)
    assert publisher.attempts == 1


def test_tried_again_while_it_fails() -> None:
    """After a pause; the metric says how the last attempt ended."""
    publisher, metrics, now = Publisher(), Metrics(), [1000.0]
    upkeep = TableUpkeep(publisher, metrics, lambda: now[0])
    publisher.problem = "the disk is full"
    upkeep.ask()
    upkeep.attend(CONFIGURATION)
    upkeep.attend(CONFIGURATION)
    assert publisher.attempts == 1
    assert b"domain_secure_maps_last_generation_successful 0.0" in metrics.exposition()
    now[0] += RETRY_SECONDS + 1
    publisher.problem = None
    upkeep.attend(CONFIGURATION)
    now[0] += RETRY_SECONDS + 1
    upkeep.attend(CONFIGURATION)
    assert publisher.attempts == 2
    assert b"domain_secure_maps_last_generation_successful 1.0" in metrics.exposition()


def test_made_again_when_postfix_changed() -> None:
    """It may read another type of table, or another syntax, since it was upgraded."""
    publisher, changed = Publisher(), [False, True, False]
    upkeep = TableUpkeep(publisher, Metrics(), postfix_changed=lambda _: changed.pop(0))
    for attempts in (0, 1, 1):
        upkeep.attend(CONFIGURATION)
        assert publisher.attempts == attempts


def test_looked_at_again_as_soon_as_they_are_back() -> None:
    """Whoever put them back knows nothing of those who found none; a pause after an attempt is none then."""
    publisher, missing = Publisher(), [None, "away", "away", None, None]
    upkeep = TableUpkeep(publisher, Metrics(), lambda: 1000.0, taken_away=lambda: missing.pop(0))
    for attempts in (0, 1, 1, 2, 2):
        upkeep.attend(CONFIGURATION)
        assert publisher.attempts == attempts
