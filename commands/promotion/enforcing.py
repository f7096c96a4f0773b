"""Set a partner to enforce, and say so only after the daemon does.

Must not know: why it may be.
"""

import argparse
from datetime import UTC, datetime, timedelta

from domain_secure.commands.in_force.daemon_step import not_yet
from domain_secure.commands.in_force.receiving import in_force
from domain_secure.commands.terminal.common import add_to_document, configuration_of, policy_store
from domain_secure.commands.terminal.daemon_client import DaemonAway, health
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.editing.partner_editing import set_values
from domain_secure.policy.history.period import whole_hours
from domain_secure.policy.onboarding.followers import followers
from domain_secure.policy.promotion.promotion import Judgement, Watched, judge, with_follower
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .watched_mail import watched_mail

DAYS, MESSAGES = 7, 5  #: unless it is said otherwise


def judged(configuration: Configuration, entry: Entry, days: int, messages: int) -> tuple[Watched, Judgement]:
    """Return what was seen in so many days until now, and what it speaks for; raises Problem.

    What goes by the same rule would be enforced with it, and its mail speaks against it as well.
    """
    now = datetime.now(UTC)
    # Counts are kept by the hour, and records are compared with them.
    since, until = whole_hours(now - timedelta(days=days), now, now)
    watched = watched_mail(configuration.path, entry, since, until)
    judgement = judge(watched, messages)
    for one in followers(configuration, configuration.receive, entry):
        if configuration.partner(one).mode is Mode.OBSERVE:
            judgement = with_follower(judgement, watched_mail(configuration.path, one, since, until))
    return watched, judgement


def enforce(arguments: argparse.Namespace, configuration: Configuration, entry: Entry) -> ExitStatus:
    """Set the mode, wait until it is in force, and ask the daemon whether it enforces; raises Problem."""
    store = policy_store(arguments)
    mode = "" if configuration.mode is Mode.ENFORCE else str(Mode.ENFORCE)
    written = set_values(store, entry, {"mode": mode})
    add_to_document({"mode": "enforce", "written": list(map(str, written))})
    print(f"{entry} is enforced from now on; written: {', '.join(map(str, written))}")
    status = in_force(arguments, store, receiving=True, sent_to=())
    if not arguments.no_wait:
        _ask_daemon(configuration_of(arguments), entry)
    return status


def _ask_daemon(configuration: Configuration, entry: Entry) -> None:
    """Raise the Problem of a daemon that runs and still only observes the entry."""
    with not_yet():
        try:
            answer = health(configuration.metrics_listen, configuration.metrics_access)
        except DaemonAway:
            return  # that nobody asks it was told
        told = answer.get("observing")
        if told is None or entry in told or configuration.partner(entry).mode is Mode.OBSERVE:
            raise Problem(
                f"the daemon {_STILL[told is None]} {entry}",
                str(configuration.path),
                "restart it with `systemctl restart domain-secure`, then run this again",
                ExitStatus.DIFFERENCE,
            )


_STILL = {True: "does not tell whether it enforces", False: "only observes"}
