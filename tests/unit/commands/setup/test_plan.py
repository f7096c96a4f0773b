"""Which steps follow from which facts."""

from dataclasses import replace

import pytest

from domain_secure.commands.setup.plan import Action, Facts, Name, Own, Wish, plan
from domain_secure.policy.terms.domain import Entry

WISH = Wish(Entry("woodgrovebank.test"))
NOTHING = Facts(
    has_configuration=False,
    own=Own.GIVEN,
    host="mail.contoso.test",
    is_received=False,
    is_sent=False,
    has_mode=False,
    daemon_answers=False,
    units=("domain-secure.socket", "domain-secure.service"),
)
ALL = replace(
    NOTHING,
    has_configuration=True,
    own=Own.SHOWN,
    is_received=True,
    is_sent=True,
    has_mode=True,
    daemon_answers=True,
)


def actions(wish: Wish, facts: Facts) -> dict[Name, Action]:
    """Return what is to become of each step, in their order."""
    return {step.name: step.action for step in plan(wish, facts)}


def test_from_nothing() -> None:
    """Everything is to be done, in order: the mode before the list, the daemon before attach."""
    found = actions(replace(WISH, partner_certificates=("woodgrove.pem",)), NOTHING)
    assert list(found) == list(Name)
    assert set(found.values()) == {Action.DO}


def test_again() -> None:
    """What is so stays, and is not ours to undo; looking and attaching are done each time."""
    found = actions(WISH, ALL)
    assert {name for name, action in found.items() if action is Action.DO} == {
        Name.PROBE,
        Name.ATTACH,
        Name.CHECK,
    }
    assert [step.undo for step in plan(WISH, ALL) if step.action is Action.ALREADY] == [None] * 6


@pytest.mark.parametrize(
    ("facts", "last", "fix"),
    [
        (replace(NOTHING, own=Own.NONE), Name.CERTIFICATE, "--cert FILE"),
        (replace(NOTHING, own=Own.REQUESTED), Name.CERTIFICATE, "--cert FILE"),
        (replace(NOTHING, units=()), Name.DAEMON, "domain-secure serve"),
    ],
)
def test_it_ends_with_what_cannot_be_done(facts: Facts, last: Name, fix: str) -> None:
    """Nothing comes after it, attach least of all; and it says what to do."""
    *before, end = plan(WISH, facts)
    assert (end.name, end.action) == (last, Action.CANNOT)
    assert fix in end.fix
    assert all(step.action is Action.DO for step in before)


def test_a_request_is_made_once() -> None:
    """With no certificate there is a request to make; where one waits there is none."""
    made = [step for step in plan(WISH, replace(NOTHING, own=Own.NONE)) if step.name is Name.CERTIFICATE]
    waiting = [
        step for step in plan(WISH, replace(NOTHING, own=Own.REQUESTED)) if step.name is Name.CERTIFICATE
    ]
    assert (len(made), len(waiting)) == (2, 1)


def test_watched_first() -> None:
    """Nothing is refused unless that is asked for, and a mode that was chosen before stays."""
    (mode,) = [step for step in plan(WISH, NOTHING) if step.name is Name.MODE]
    assert "mode=observe" in mode.what
    enforced = actions(replace(WISH, enforce=True), ALL)
    assert enforced[Name.MODE] is Action.DO
    assert actions(WISH, ALL)[Name.MODE] is Action.ALREADY


def test_one_side() -> None:
    """What is left out has no step."""
    assert Name.SEND not in actions(replace(WISH, send=False), NOTHING)
    found = actions(replace(WISH, receive=False), NOTHING)
    assert not {Name.RECEIVE, Name.MODE} & set(found)


def test_a_wildcard_is_quoted() -> None:
    """The shell would look for files that match it."""
    steps = plan(Wish(Entry("*.fabrikam.test")), NOTHING)
    assert "domain-secure send remove '*.fabrikam.test'" in [step.undo for step in steps]


def test_another_configuration_is_named_in_each_command() -> None:
    """What undoes a step works on the configuration that setup worked on, and on its own units."""
    units = ("domain-secure@out.socket", "domain-secure@out.service")
    facts = replace(NOTHING, command="domain-secure --config /etc/domain-secure/out.toml", units=units)
    undo = [step.undo for step in plan(replace(WISH, enforce=True), facts) if step.undo]
    own = [command for command in undo if command.startswith("domain-secure")]
    assert own
    assert all(command.startswith(f"{facts.command} ") for command in own)
    assert [command for command in undo if command not in own] == [
        f"systemctl disable --now {' '.join(units)}"
    ]
