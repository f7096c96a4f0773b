"""``domain-secure fleet log``, ``revert``, ``accept`` and ``sign``: the revisions of the fleet's policy."""

import argparse
from collections.abc import Sequence

from domain_secure.commands.terminal.common import (
    add_to_document,
    already_so,
    fleet_store,
    note,
    print_json,
    print_table,
)
from domain_secure.fleet.editing.fleet_store import FleetStore, Overtaken, State
from domain_secure.fleet.node.ahead import Ahead, newest_known, nodes_ahead
from domain_secure.fleet.node.reports import read_reports
from domain_secure.policy.configuration.shared_policy import SharedPolicy
from domain_secure.policy.revisions.lineage import Step, advice, describe
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .fleet_difference import print_difference
from .fleet_wait import waited


def run_log(arguments: argparse.Namespace) -> ExitStatus:
    """Print the newest revisions that are kept, the newest first."""
    store = fleet_store(arguments)
    head = store.repository.head().envelope
    last = head.revision.number if head else 0
    number = max(arguments.number, 1)
    found = store.repository.history(max(0, last - number + 1))[:number]
    held = store.cache.envelope()
    rows = [_document(one, held, store) for one in found]
    if arguments.json:
        print_json({"revisions": rows})
        return ExitStatus.DONE
    print_table(
        ("revision", "at", "who", "node", "what", "signed by", "here"),
        [
            (
                row["revision"],
                row["at"],
                row["who"],
                row["node"],
                row["what"],
                _signer(row),
                "held" if row["held_here"] else "",
            )
            for row in rows
        ],
    )
    return ExitStatus.DONE


def _document(one: Envelope, held: Envelope | None, store: FleetStore) -> dict[str, object]:
    revision = one.revision
    return {
        "revision": revision.number,
        "digest": revision.digest,
        "at": revision.at.isoformat(),
        "who": _plain(revision.who),
        "node": _plain(revision.node),
        "what": _plain(revision.what),
        "key": str(one.key) if one.key else None,
        "trusted": one.is_signed_by(store.demands().trusted_keys),
        "signature_fits": one.is_signed_by({one.key}) if one.key else None,
        "held_here": held is not None and held.revision.digest == revision.digest,
    }


def _signer(row: dict[str, object]) -> str:
    if row["key"] is None:
        return "nobody"
    if row["trusted"]:
        return str(row["key"])
    return f"{row['key']} ({'not trusted here' if row['signature_fits'] else 'the signature does not fit'})"


def _plain(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def run_revert(arguments: argparse.Namespace) -> ExitStatus:
    """Make the content of an earlier revision the newest one."""
    store = fleet_store(arguments)
    wanted = _revision(store, arguments.revision)
    content = store.policy_of(wanted)
    state = store.newest_good_state()
    store.check_line(state.envelope)
    differs = print_difference(state.shared, content, ("now", f"revision {arguments.revision}"))
    if not differs and state.head.fault is None:
        add_to_document({"written": []})
        already_so(f"the policy is that of revision {arguments.revision}")
        return waited(arguments, store)
    return _commit(arguments, store, content, state, f"fleet revert {arguments.revision}")


def run_accept(arguments: argparse.Namespace) -> ExitStatus:
    """Say what holds from now on, the store's policy or this node's, on every node."""
    store = fleet_store(arguments)
    state = store.state()
    held = store.cache.read()
    ahead = nodes_ahead(store.repository, store.demands()).nodes
    if held[0].revision.digest == state.envelope.revision.digest and not ahead:
        add_to_document({"written": []})
        already_so("the store and this node hold the same revision")
        return ExitStatus.DONE
    ways = {"store": (state.shared, held[1]), "node": (held[1], state.shared)}
    content, dropped = ways[arguments.which]
    _print_dropped(arguments.which, store, state, held[0], ahead)
    print_difference(dropped, content, ("dropped", f"from now on, by the {arguments.which}"))
    base = max(state.envelope.revision.number, held[0].revision.number)
    newest, beyond = newest_known(read_reports(store.repository), base)
    for name in beyond:
        note(f"{name} reports a revision far beyond every other, which is not believed")
    number = newest + 1
    return _commit(
        arguments, store, content, state, f"fleet accept {arguments.which}", number=number, settles=True
    )


def _print_dropped(
    which: str, store: FleetStore, state: State, held: Envelope, ahead: Sequence[Ahead]
) -> None:
    """Print each revision that holds no more, as far as this machine and the store know them."""
    line = {one.revision.digest: one for one in (*store.repository.history(), state.envelope)}
    own = [held.revision.digest]
    while (one := line.get(own[-1])) is not None and one.revision.parent:
        own.append(one.revision.parent)
    if held.revision.parent:
        own.append(held.revision.parent)
    shared = max((line[digest].revision.number for digest in own if digest in line), default=0)
    if which == "node":
        dropped = [one for one in line.values() if one.revision.number > shared]
    else:
        dropped = [] if held.revision.digest in line else [held]
    for one in sorted(dropped, key=lambda each: each.revision.number):
        made = one.revision
        print(
            f"dropped: revision {made.number} of {made.at:%Y-%m-%d %H:%M} UTC, "
            f"by {_plain(made.who)} on {_plain(made.node)}: {_plain(made.what)}"
        )
    for node in ahead:
        if which == "store" or node.revision is None or node.revision.revision.digest != held.revision.digest:
            print(f"dropped: {node}")


def run_sign(arguments: argparse.Namespace) -> ExitStatus:
    """Make the newest revision's content a signed one; its number is named by who looked at it."""
    store = fleet_store(arguments)
    state = store.state()
    number = state.envelope.revision.number
    if number != arguments.revision:
        raise Problem(
            f"the newest revision is {number}",
            str(arguments.revision),
            "look at it with `fleet log`, then sign it",
        )
    if store.settings.signing_key_file is None:
        raise Problem("there is no key to sign with", "store.signing_key_file", "do this where the key is")
    envelope = state.envelope
    if envelope.key is not None and not envelope.is_signed_by({envelope.key}):
        raise Problem(describe(Step.BAD_SIGNATURE, envelope, None), str(number), advice(Step.BAD_SIGNATURE))
    store.check_nodes()
    held = store.cache.read()[1] if store.cache.envelope() else SharedPolicy(b"")
    print_difference(held, state.shared, ("this node enforces", f"revision {number}"))
    return _commit(arguments, store, state.shared, state, f"fleet sign {number}")


def _commit(
    arguments: argparse.Namespace,
    store: FleetStore,
    content: SharedPolicy,
    state: State,
    what: str,
    **fields: object,
) -> ExitStatus:
    store.parse(content)
    try:
        revision = store.commit(content.texts, state, what, is_repair=True, **fields)
    except Overtaken as overtaken:
        raise Problem(
            "somebody else made a revision in between", "the store", "look at `fleet log` and decide anew"
        ) from overtaken
    add_to_document({"written": [str(revision)], "revision": revision.number})
    print(f"written: {revision}")
    return waited(arguments, store)


def _revision(store: FleetStore, number: int) -> Envelope:
    found = store.repository.history(number, number)
    if not found:
        raise Problem(
            "the store does not keep this revision",
            str(number),
            "`domain-secure fleet log -n 1000` has them all",
        )
    return found[0]
