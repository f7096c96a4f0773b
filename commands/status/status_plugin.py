"""``status --nagios``: the state of this edge, as the status page tells it at its top."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.plugin_output import Number, Result, State
from domain_secure.milter.page.states import State as Fares
from domain_secure.milter.page.status_view import all_partners, notices, verdict

from .status_document import COUNTERS

_STATES = {
    Fares.FAILING: State.CRITICAL,
    Fares.ATTENTION: State.WARNING,
    Fares.GOOD: State.OK,
    Fares.QUIET: State.OK,
}
_LATE_SECONDS = 60
#: The names of the counters, in the order of ``COUNTERS``.
_LABELS = ("received", "sent", "session_failures", "refused", "sent_unverified")


def judge(document: Mapping[str, Any]) -> Result:
    """Return the state of what ``status --json`` tells.

    A configuration that may not be read, or is wrong and leaves open where the daemon is to be asked, is
    UNKNOWN.
    """
    now = datetime.now(UTC)
    configuration, daemon = document["configuration"], document["daemon"]
    if configuration["problem"] and (daemon["problem"] or not configuration["readable"]):
        return Result(State.UNKNOWN, configuration["problem"], _numbers(document))
    told = notices(document, None)
    fares, text = verdict(document, told, now)
    more = [f"{one.what}: {one.fix}" for one in told]
    for row in sorted(all_partners(document, now), key=lambda row: row.state.rank):
        if row.state in {Fares.FAILING, Fares.ATTENTION}:
            ways = {"receive": row.receive, "send": row.send}
            words = [f"{way} {traffic.word}" for way, traffic in ways.items() if traffic]
            more.append(f"{row.domain}: {row.state.word}: {', '.join(words)}")
    if told:
        text = f"{text}: {told[0].what}"
    elif more:
        text = f"{text}: {more[0]}"
    return Result(_STATES[fares], text, _numbers(document), tuple(more))


def _numbers(document: Mapping[str, Any]) -> tuple[Number, ...]:
    is_asked = document["daemon"]["problem"] is None
    domains = document["domains"]
    sums = (
        Number(
            label,
            sum(one["counters"][title] for one in domains) if is_asked else None,
            "c",
        )
        for label, title in zip(_LABELS, COUNTERS, strict=True)
    )
    waiting = [one["waiting"] for one in domains if one["send"]]
    return (
        Number("partners", document["domains_listed"]),
        *sums,
        Number(
            "waiting",
            sum(waiting) if is_asked and None not in waiting else None,
            critical="0",
        ),
        Number("pending", document["pending_certificates"], warning="0"),
        # When that is too little depends on how long each is valid: the state has it.
        Number("certificate_left", _certificate_left(document), "s", critical="0:"),
        Number("log_lag", document["log_lag_seconds"], "s", warning=str(_LATE_SECONDS)),
    )


def _certificate_left(document: Mapping[str, Any]) -> int | None:
    """Return for how many seconds the certificate of ours that ends first is still valid; None: not known."""
    now = datetime.now(UTC)
    ends = [
        datetime.fromisoformat(one["ends"])
        for one in document["certificates"]
        if one["role"] not in {"unused", "partner"}
    ]
    return int((min(ends) - now).total_seconds()) if ends else None
