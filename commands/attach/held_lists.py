"""Hosts without the daemon, and commands beside it: no table is made of a send list that has vanished.

Owns: asking what was last in force, and keeping it once tables were made.
"""

from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.list_losses import ListVanishedError, losses
from domain_secure.policy.configuration.lists_in_force import InForce, ListsInForce
from domain_secure.policy.configuration.reading import load, read_file


def held_back(configuration: Configuration) -> tuple[ListVanishedError, ...]:
    """Return what is held back of the lists on disk, by what was last in force; raises Problem."""
    kept = ListsInForce(configuration.state)
    return _held_back(configuration, kept, kept.read())


def _held_back(
    configuration: Configuration, kept: ListsInForce, last: InForce | None
) -> tuple[ListVanishedError, ...]:
    if last is None or last.path != configuration.path:
        return ()
    unused = [one for one in kept.confirmations() if one.token not in last.used]
    found = losses(load(last.path, last.read), configuration, unused)
    return tuple(loss.problem(configuration.path) for loss in found if loss.held_back)


def refuse_vanished(configuration: Configuration) -> None:
    """Raise the Problem of a send list that lost more than anybody confirmed."""
    for vanished in held_back(configuration):
        if vanished.loss.list_name == "send":
            raise vanished


def keep_in_force(configuration: Configuration) -> None:
    """Keep what tables were made of, unless a list is held back; raises Problem and OSError."""
    kept = ListsInForce(configuration.state)
    used = frozenset(one.token for one in kept.confirmations())
    texts: dict[Path, bytes] = {}

    def read(file: Path) -> bytes:
        texts[file] = read_file(file)
        return texts[file]

    again = load(configuration.path, read)
    is_same = (again.receive, again.send) == (configuration.receive, configuration.send)
    last = kept.read()
    if not is_same or _held_back(configuration, kept, last):
        return
    kept.write(InForce(configuration.path, texts, used | (last.used if last else frozenset())))
