"""``check --nagios``: the findings as one state.

Owns: which finding is how bad for whoever is called at night.
"""

from collections.abc import Mapping
from typing import Any

from domain_secure.commands.terminal.plugin_output import Number, Result, State
from domain_secure.policy.terms.problems import ExitStatus
from domain_secure.postfix.findings.findings import Severity

#: Notes are worth knowing and nobody's duty; what was not looked at may be anything.
STATES = {
    Severity.ERROR: State.CRITICAL,
    Severity.WARNING: State.WARNING,
    Severity.NOT_LOOKED_AT: State.UNKNOWN,
    Severity.NOTE: State.OK,
}
#: The worst first.  What is known to be wrong is told before what is not known.
_ORDER = (State.CRITICAL, State.WARNING, State.UNKNOWN, State.OK)


def judge(document: Mapping[str, Any], not_looked_at: State) -> Result:
    """Return the state of what ``check --json`` found; *not_looked_at* is what a finding of that kind is."""
    states = STATES | {Severity.NOT_LOOKED_AT: not_looked_at}
    found = sorted(
        ((states[Severity(one["severity"])], one) for one in document["findings"]),
        key=lambda pair: _ORDER.index(pair[0]),
    )
    worst = found[0][0] if found else State.OK
    if document["exit_status"] == ExitStatus.WRONG_USE:  # our configuration is wrong, or may not be read
        worst = State.UNKNOWN
    counts = document["counts"]
    named = [
        f"{counts[severity]} {severity.replace('-', ' ')}{'s' * (counts[severity] != 1 and plural)}"
        for severity, plural in _PLURALS.items()
        if counts[severity]
    ]
    text = ", ".join(named) or "no findings, and nothing was left out"
    if worst is not State.OK:
        text = f"{text}: {found[0][1]['what']} [{found[0][1]['word']}]"
    return Result(worst, text, _numbers(counts, not_looked_at), tuple(_line(one) for _, one in found))


_PLURALS = {Severity.ERROR: True, Severity.WARNING: True, Severity.NOT_LOOKED_AT: False, Severity.NOTE: True}


def _numbers(counts: Mapping[str, int], not_looked_at: State) -> tuple[Number, ...]:
    return (
        Number("errors", counts[Severity.ERROR], critical="0"),
        Number("warnings", counts[Severity.WARNING], warning="0"),
        Number("notes", counts[Severity.NOTE]),
        Number(
            "not_looked_at",
            counts[Severity.NOT_LOOKED_AT],
            warning="0" * (not_looked_at is State.WARNING),
            critical="0" * (not_looked_at is State.CRITICAL),
        ),
    )


def _line(finding: Mapping[str, str]) -> str:
    severity = finding["severity"].replace("-", " ")
    return f"{severity}: {finding['what']} [{finding['word']}]: {finding['proof']}: {finding['fix']}"
