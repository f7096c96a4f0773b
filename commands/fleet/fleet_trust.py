"""``domain-secure fleet key`` and ``fleet trust``: who may change the fleet's policy."""

import argparse

from domain_secure.commands.terminal.common import add_to_document, already_so, configuration_path
from domain_secure.fleet.store.signing import make_key
from domain_secure.policy.editing.draft import Draft, Written
from domain_secure.policy.editing.policy_store import FileStore
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.toml import toml_edit

_KEYS = ("store", "trusted_keys")


def run_key(arguments: argparse.Namespace) -> ExitStatus:
    """Make a key, and print its public half."""
    key = make_key(arguments.file)
    add_to_document({"key": str(key), "written": [str(arguments.file)]})
    print(f"written: {arguments.file} (only you can read it; name it in store.signing_key_file)")
    print("on every node:")
    print(f"  domain-secure fleet trust --require {key}")
    return ExitStatus.DONE


def run_trust(arguments: argparse.Namespace) -> ExitStatus:
    """Add a key to those this node believes."""
    try:
        key = PublicKey.parse(arguments.key)
    except ValueError as error:
        raise Problem(str(error), "KEY", "copy what `domain-secure fleet key` printed") from error

    def change(draft: Draft) -> tuple[Written, ...]:
        added = [] if key in draft.former.store.trusted_keys else [str(key)]
        draft.edit(lambda text: toml_edit.edit_list(text, _KEYS, lambda _: True, added))
        if arguments.require:
            draft.edit(lambda text: toml_edit.set_value(text, ("store", "require_signature"), value=True))
        return draft.write(lambda new: key in new.store.trusted_keys)

    # Whom a node believes is its own affair: it stands in its file, whatever the store says.
    written = FileStore(configuration_path(arguments)).edit(change, "fleet trust")
    add_to_document({"key": str(key), "written": list(map(str, written))})
    if written:
        print(f"written: {', '.join(map(str, written))}")
    else:
        already_so(f"this node believes {key}")
    return ExitStatus.DONE
