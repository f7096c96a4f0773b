"""What ``check`` says of a node of a fleet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from configurations import make_configuration

from domain_secure.policy.configuration.fleet_cache import Contact, FleetCache
from domain_secure.postfix.own_checks.fleet_checks import check_fleet

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_each_state_of_a_node(tmp_path: Path) -> None:
    """Alone or up to date there is nothing to say; behind, away and never followed are told apart."""
    alone = make_configuration(tmp_path)
    node = make_configuration(tmp_path, revision=7)
    cache = FleetCache(tmp_path)

    def words(at: datetime, problem: str | None = None) -> list[str]:
        cache.note_contact(Contact(at, "4711", 7, problem))
        return [finding.word for finding in check_fleet(node, NOW)]

    assert list(check_fleet(alone, NOW)) == []
    assert [finding.word for finding in check_fleet(node, NOW)] == ["fleet-not-followed"]
    assert words(NOW) == []
    assert words(NOW - timedelta(hours=1)) == ["fleet-store-away"]
    assert words(NOW, "the store went backwards") == ["fleet-behind"]
