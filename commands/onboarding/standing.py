"""Where a partner stands, for ``partner show``: what is done by the configuration, and since when.

Owns: the document, and the line for a person.
"""

from collections.abc import Mapping
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.onboarding.kept_onboarding import Onboarding, kept_onboardings
from domain_secure.policy.onboarding.steps import Step, steps_of
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem


def standing_document(configuration: Configuration, entry: Entry) -> dict[str, Any]:
    """Return ``onboarding``, None where ``partner add`` never began with it, and ``onboarding_problem``."""
    try:
        way = kept_onboardings(configuration.state).get(entry)
    except Problem as problem:
        return {"onboarding": None, "onboarding_problem": str(problem)}
    return {"onboarding": way and _document(configuration, entry, way), "onboarding_problem": None}


def is_begun(configuration: Configuration, entry: Entry) -> bool:
    """Tell whether ``partner add`` began with an entry, as far as that is known."""
    return standing_document(configuration, entry)["onboarding"] is not None


def standing_in_words(document: Mapping[str, Any]) -> str | None:
    """Return how far the partner came in one line, None where there is nothing to tell."""
    if document["onboarding_problem"]:
        return f"not known: {document['onboarding_problem']}"
    if (found := document["onboarding"]) is None:
        return None
    parts = []
    for one in found["steps"]:
        since = f" since {one['since'][:10]}" if one["since"] and one["step"] != Step.PROBE else ""
        parts.append(f"{one['step']} {'done' if one['done'] else 'left'}{since}")
    left = "" if all(one["done"] for one in found["steps"]) else "; `domain-secure partner add` goes on"
    return f"{', '.join(parts)}{left}"


def _document(configuration: Configuration, entry: Entry, way: Onboarding) -> dict[str, Any]:
    is_received = entry in configuration.receive
    done = {
        Step.PROBE: Step.PROBE in way.done,
        Step.RULE: Step.RULE in way.done,
        Step.OBSERVE: is_received,
        Step.SEND: entry in configuration.send,
        Step.ENFORCE: is_received and configuration.partner(entry).mode is Mode.ENFORCE,
    }
    return {
        "begun": way.begun.isoformat(timespec="seconds"),
        "by": way.by,
        "directions": [one for one in Direction if one in way.directions],
        "steps": [
            {"step": step, "done": done[step], "since": _since(way, step) if done[step] else None}
            for step in steps_of(way.directions)
        ],
        "found": way.found,
    }


def _since(way: Onboarding, step: Step) -> str | None:
    at = way.done.get(step)
    return at.isoformat(timespec="seconds") if at else None
