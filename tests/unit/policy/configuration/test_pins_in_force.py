"""Which pins of a rule count at a moment."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.policy.configuration.configuration import Partner
from domain_secure.policy.configuration.pins_in_force import steady_time, with_pins_at
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin, time_text

from unit.policy.builders import WOODGROVE, configuration, partner

OLD, NEXT, ALWAYS = (Pin.public_key(digits * 32) for digits in ("aa", "bb", "cc"))
BEGINS = datetime(2027, 1, 10, tzinfo=UTC)
ENDS = datetime(2027, 1, 20, tzinfo=UTC)
INSTANT = timedelta(seconds=1)


def rolling() -> Partner:
    """Return the rule of a partner that changes its key between two dates."""
    return partner(
        pins=frozenset({OLD, ALWAYS}), timed_pins=(TimedPin(OLD, None, ENDS), TimedPin(NEXT, BEGINS, None))
    )


def test_the_next_key_counts_from_its_time_and_the_old_until_its_own() -> None:
    """At any order of moments: what was found at one is no matter at another."""
    found = configuration(partners={WOODGROVE: rolling()})
    for moment, pins in (
        (BEGINS - INSTANT, {OLD, ALWAYS}),
        (BEGINS, {OLD, NEXT, ALWAYS}),
        (ENDS - INSTANT, {OLD, NEXT, ALWAYS}),
        (ENDS, {NEXT, ALWAYS}),
        (BEGINS - INSTANT, {OLD, ALWAYS}),
    ):
        found = with_pins_at(found, moment)
        assert found.partners[WOODGROVE].pins == pins


def test_how_long_that_stays_so() -> None:
    """From the last change to the next one."""
    found = configuration(partners={WOODGROVE: rolling()})
    assert steady_time(found, BEGINS - INSTANT) == (None, BEGINS)
    assert steady_time(found, BEGINS) == (BEGINS, ENDS)
    assert steady_time(found, ENDS) == (ENDS, None)


def test_a_configuration_without_such_pins_is_left_alone() -> None:
    """It is the same one, so that nobody takes it for changed."""
    found = configuration()
    assert with_pins_at(found, BEGINS) is found
    assert steady_time(found, BEGINS) == (None, None)


def test_a_file_is_read_as_it_holds_now(tmp_path: Path) -> None:
    """A command goes by the pins that count when it runs."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(
        f'[receive]\ndomains = ["{WOODGROVE}"]\n[partner."{WOODGROVE}"]\n'
        f'timed_pins = ["{OLD} until 2001-01-01", "{NEXT} from 2001-01-01"]\n'
    )
    assert load(file).partners[WOODGROVE].pins == {NEXT}


@pytest.mark.parametrize("place", ["history.sqlite", "maps/published.json"])
def test_a_clock_that_went_back_brings_no_ended_key_back(tmp_path: Path, place: str) -> None:
    """What is read for tables goes by what files of the state folder have seen, as the daemon does."""
    state, path = tmp_path / "state", tmp_path / "domain-secure.toml"
    witness = state / place
    witness.parent.mkdir(parents=True)
    witness.touch()
    ended = datetime.now(UTC) + timedelta(days=300)
    path.write_text(
        f'[paths]\nstate = "{state}"\n[partner."a.test"]\n'
        f'timed_pins = ["{OLD} until {time_text(ended)}", "{NEXT} from {time_text(ended)}"]\n'
    )
    assert load(path).partners[Entry("a.test")].pins == {OLD}
    os.utime(witness, (ended.timestamp() + 60,) * 2)
    assert load(path).partners[Entry("a.test")].pins == {NEXT}
