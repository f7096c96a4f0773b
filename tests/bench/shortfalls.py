"""What is known to fall short of its goal in the benchmark, how far, and what it would take.

Within *until* such a measurement does not turn the run red; beyond it, something has become worse.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One goal that is known to be missed: as far as *until*, written as a goal is."""

    until: str
    needed: str


_FOLLOWED = (
    "Of a message to a listed domain some 70 µs go into its event, its session and its place in the queue, "
    "an object for each; others take 20. It would take a compiled reader."
)

SHORTFALLS = {
    ("mail", "product, unlisted"): Shortfall(
        ">= 0.85",
        "A milter in C that does nothing but at the end of a message is at 1.13, one in pymilter at 1.08. "
        "It would take the policy request and the milter's packets read outside of Python.",
    ),
    ("mail", "product, listed and marked"): Shortfall(
        ">= 0.65",
        "It is decided where it was read; of our 320 µs 130 are for reading, 110 for deciding and 80 "
        "for writing it down. It would take a compiled core for these, and records that are cheaper to make.",
    ),
    ("mail", "beside OpenDKIM: product, unlisted"): Shortfall(
        ">= 1",
        "Out of reach: Postfix with no milter at all is below 1.7 of it, as Postfix's own share is the most.",
    ),
    ("log", "follower, one message in ten listed"): Shortfall(">= 140,000 lines/s", _FOLLOWED),
    ("log", "follower, every message listed"): Shortfall(">= 60,000 lines/s", _FOLLOWED),
    ("daemon", "serve until ready"): Shortfall(
        "<= 1000 ms",
        "Three hundred data classes are compiled at start, and as many modules read. It would take fewer.",
    ),
    ("daemon", "receive add, the whole command until in force, 1,000,000 domains"): Shortfall(
        "<= 3 s", "The list is read whole by the command. It would take a list that is kept in parts."
    ),
    ("tables", "generate, 1,000,000 new domains: processor"): Shortfall(
        "<= 1.35",
        "Our own share is the reading of the list, the source's lines and a spare of each table.",
    ),
    ("tables", "generate, one more: elapsed"): Shortfall(
        "<= 3 s",
        "The list is read whole by the command, and with its modules that is nearly all of it. It would take "
        "a list that is kept in parts.",
    ),
}
