"""Findings as one state for a monitoring system."""

from typing import Any

import pytest
from plugin_format import read

from domain_secure.commands.check.check_plugin import STATES, judge
from domain_secure.commands.terminal.plugin_output import State
from domain_secure.postfix.findings.findings import Finding, Severity, document_of

ERROR = Finding.error("no-pins", "a partner has no pins", "x", "add one")
WARNING = Finding.warning("crl-expires", "a list | ends soon", "x", "fetch it")
NOTE = Finding.note("observe", "nothing is refused", "x", "see to it")
UNSEEN = Finding.not_looked_at("a table", "x", "look as root")


def document(*findings: Finding, exit_status: int = 0) -> dict[str, Any]:
    """Return what ``check --json`` prints."""
    counts = {severity.value: sum(one.severity is severity for one in findings) for severity in Severity}
    return {"exit_status": exit_status, "findings": list(map(document_of, findings)), "counts": counts}


@pytest.mark.parametrize(
    ("findings", "state"),
    [
        ((), State.OK),
        ((NOTE,), State.OK),
        ((NOTE, UNSEEN), State.UNKNOWN),
        ((UNSEEN, WARNING), State.WARNING),
        ((WARNING, UNSEEN, ERROR, NOTE), State.CRITICAL),
    ],
)
def test_the_worst_counts(findings: tuple[Finding, ...], state: State) -> None:
    """What is known to be wrong comes before what is not known, and that before what is well."""
    result = judge(document(*findings), State.UNKNOWN)
    assert result.state is state
    found = read(str(result), state)
    assert len(found.more) == len(findings)
    assert found.numbers["notes"][0] == str(findings.count(NOTE))


def test_every_severity_has_its_state() -> None:
    """A new one is not forgotten."""
    assert set(STATES) == set(Severity)


def test_the_place_of_what_was_not_looked_at_is_chosen() -> None:
    """Whoever knows of a table that cannot be listed may be called for other things alone."""
    for state in State:
        result = judge(document(UNSEEN), state)
        assert result.state is state
        read(str(result), state)
    assert judge(document(UNSEEN, WARNING), State.CRITICAL).text.endswith("[not-looked-at]")


def test_the_worst_is_named() -> None:
    """Who is called at night reads what it is, and what to do in the lines below."""
    found = read(str(judge(document(NOTE, WARNING), State.UNKNOWN)), 1)
    assert found.text == "1 warning, 1 note: a list / ends soon [crl-expires]"
    assert found.more[0] == "warning: a list / ends soon [crl-expires]: x: fetch it"
    assert found.numbers["warnings"] == ("1", None, "0", "")


def test_a_wrong_configuration_is_unknown() -> None:
    """Nothing else was examined."""
    wrong = Finding.error("configuration", "it is wrong", "x", "mend it")
    assert judge(document(wrong, exit_status=2), State.OK).state is State.UNKNOWN
