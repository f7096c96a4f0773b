"""``domain-secure fleet init``, ``join`` and ``leave``: from one machine to a fleet, and back."""

import argparse
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path

from domain_secure.commands.terminal.common import add_to_document, belongs_to_fleet, configuration_path, note
from domain_secure.fleet.editing.fleet_store import FleetStore, Overtaken
from domain_secure.fleet.editing.moving import Halves, apart, together
from domain_secure.fleet.node.reports import read_reports
from domain_secure.policy.configuration.reading import parse, parse_toml, read_configuration, read_file
from domain_secure.policy.configuration.shared_policy import LISTS, POLICY, SharedPolicy
from domain_secure.policy.files.atomic_file import replace, writer_lock
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .fleet_difference import print_difference

_KEPT = ".before-fleet"  #: the suffix of the file as it was


def run_init(arguments: argparse.Namespace) -> ExitStatus:
    """Make this machine's file the first revision; 1, with the difference, where there is one already."""
    path = configuration_path(arguments)
    content, halves = _halves(path)
    store = FleetStore(path, halves.local, note)
    own = _policy(halves.texts)
    state = store.state() if store.repository.head().envelope else None
    if state is not None:
        differs = print_difference(state.shared, own, ("the store", "this machine"))
        if not arguments.replace:
            raise Problem(
                f"the store holds a policy already, {state.envelope.revision}"
                + ("" if differs else ", the same as this machine's"),
                f"store.prefix = {store.settings.prefix}",
                "take it with `domain-secure fleet join`, or replace it with `fleet init --replace`",
                ExitStatus.DIFFERENCE,
            )
        store.check_line(state.envelope)
    try:
        revision = store.commit(halves.texts, state, "fleet init")
    except Overtaken as overtaken:
        raise Problem(
            "another node made a revision in between", str(path), "take it with `domain-secure fleet join`"
        ) from overtaken
    add_to_document({"revision": revision.number})
    print(f"written: {revision}")
    _switch(path, content, halves)
    return ExitStatus.DONE


def run_join(arguments: argparse.Namespace) -> ExitStatus:
    """Take the fleet's policy; what this machine had of its own is shown, and kept beside the file."""
    path = configuration_path(arguments)
    content, halves = _halves(path)
    store = FleetStore(path, halves.local, note)
    state = store.state()
    _check_held(store, state.envelope)
    store.parse(state.shared)
    if halves.local != content:
        print_difference(_policy(halves.texts), state.shared, ("this machine had", "the fleet has"))
    node = read_reports(store.repository).get(store.settings.node)
    if node and node.live and halves.local != content:
        note(f"a live node calls itself {node.name} already: give each machine a store.node of its own")
    store.cache.write(state.envelope, state.shared.texts)
    add_to_document({"node": store.settings.node, "revision": state.envelope.revision.number})
    print(f"joined as {store.settings.node}: {state.envelope.revision}")
    _switch(path, content, halves)
    return ExitStatus.DONE


def _check_held(store: FleetStore, envelope: Envelope) -> None:
    """Raise a Problem where the store went backwards, and say so where nothing here can tell."""
    try:
        held = store.cache.envelope()
    except Problem:
        store.check_nodes()
        return
    store.check_line(envelope)
    if held is None and store.cache.known() is None:
        signer = f"signed by {envelope.key}" if envelope.key else "signed by nobody"
        note(
            f"there is nothing here to compare with: see that {envelope.revision} of "
            f"{envelope.revision.at:%Y-%m-%d %H:%M} UTC, {signer}, is the newest"
        )


def run_leave(arguments: argparse.Namespace) -> ExitStatus:
    """Write the last policy this machine held into its own file, and take it off the fleet's table."""
    path = configuration_path(arguments)
    if not belongs_to_fleet(path):
        raise Problem(
            "this machine is not part of a fleet", f"{path}: store.type", "there is nothing to leave"
        )
    store = FleetStore(path)
    if arguments.node:
        _forget(store, arguments.node)
        add_to_document({"node": arguments.node})
        print(f"forgotten: {arguments.node}; if it runs, it comes back by itself")
        return ExitStatus.DONE
    texts = store.cache.read()[1].texts
    files = {path.parent / name if name else path: octets for name, octets in _alone(store, texts).items()}
    for file, octets in files.items():
        if file != path and file.exists() and file.read_bytes() != octets:
            raise Problem("there is a file of this name", str(file), "move it away, then leave again")
    lists = {file: octets for file, octets in files.items() if file != path}
    parse(files[path], path, lambda file: lists[file] if file in lists else read_file(file))
    with writer_lock(path.parent):
        for file, octets in (*lists.items(), (path, files[path])):
            replace(file, octets)
    store.cache.forget()
    add_to_document({"node": store.settings.node, "written": list(map(str, files))})
    print(f"written: {', '.join(map(str, files))}")
    try:
        _forget(store, store.settings.node)
    except Problem as problem:
        note(f"the fleet still names this node: {problem}")
    note("restart the daemon: `systemctl restart domain-secure`")
    return ExitStatus.DONE


def _alone(store: FleetStore, texts: Mapping[str, bytes]) -> dict[str, bytes]:
    return together(store.local, texts, store.settings.node)


def _forget(store: FleetStore, node: str) -> None:
    store.repository.forget(node)


def _halves(path: Path) -> tuple[bytes, Halves]:
    """Return the file as it is, and taken apart; raises Problem where it is faulty or names no store."""
    content = read_configuration(path)
    document = parse_toml(content.decode(errors="replace"), path)
    if not document.get("store", {}).get("endpoints"):
        raise Problem(
            "no store is named",
            f"{path}: store.endpoints",
            'write a table [store] with endpoints = ["https://HOST:2379"] and node (docs/fleet.md)',
        )
    if not belongs_to_fleet(path):
        parse(content, path)
    halves = apart(content, path.parent, read_file)
    parse(halves.local, path, shared=_policy(halves.texts))
    return content, halves


def _policy(texts: Mapping[str, bytes]) -> SharedPolicy:
    return SharedPolicy(texts[POLICY], {name: texts[name] for name in LISTS if name in texts})


def _switch(path: Path, content: bytes, halves: Halves) -> None:
    """Put the node's half in place of the file, and keep the file as it was beside it."""
    if halves.local == content:
        return
    kept = _unused(path.with_name(path.name + _KEPT))
    with writer_lock(path.parent):
        replace(kept, content)
        replace(path, halves.local)
    add_to_document({"written": [str(path)], "kept": str(kept)})
    print(f"written: {path}, without what the fleet shares; as it was: {kept}")
    note("restart the daemon: `systemctl restart domain-secure`")


def _unused(path: Path) -> Path:
    """Return *path*, or with a number behind it: what was kept once is not overwritten."""
    numbered = (path.with_name(f"{path.name}.{number}") for number in count(2))
    return next(name for name in chain((path,), numbered) if not name.exists())
