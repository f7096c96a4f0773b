"""Each number is good for one act, once, for a while."""

from dataclasses import replace

from domain_secure.milter.changes.acts import Act, Kind
from domain_secure.milter.changes.confirmations import LIFE_SECONDS, Confirmations

ACT = Act(Kind.CONNECTOR, "smtp/inet", "off")


def test_once() -> None:
    """It gives the state it is bound to, and is gone."""
    made = Confirmations(lambda: 0.0)
    number = made.offer(ACT, "on")
    assert made.take(number, ACT) == "on"
    assert made.take(number, ACT) is None


def test_for_its_act_alone() -> None:
    """The first try for another act uses it up."""
    made = Confirmations(lambda: 0.0)
    number = made.offer(ACT, "on")
    assert made.take(number, replace(ACT, subject="submission/inet")) is None
    assert made.take(number, ACT) is None


def test_for_a_while() -> None:
    """What is too old is none."""
    now = [0.0]
    made = Confirmations(lambda: now[0])
    number, later = made.offer(ACT, "on"), made.offer(ACT, "on")
    now[0] = LIFE_SECONDS
    assert made.take(number, ACT) == "on"
    now[0] += 0.001
    assert made.take(later, ACT) is None


def test_unknown_numbers() -> None:
    """Neither nothing nor a guess is one."""
    made = Confirmations(lambda: 0.0)
    made.offer(ACT, "on")
    assert made.take("", ACT) is None
    assert made.take("ä", ACT) is None


def test_a_flood_takes_no_memory() -> None:
    """The oldest goes, the newest stays."""
    made = Confirmations(lambda: 0.0)
    numbers = [made.offer(ACT, "on") for _ in range(1000)]
    assert len(set(numbers)) == 1000
    assert made.take(numbers[0], ACT) is None
    assert made.take(numbers[-1], ACT) == "on"
