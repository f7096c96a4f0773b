"""Files: the configuration and its lists, agreements, settings of other mail servers, root's orders."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain_secure.commands.changes import request
from domain_secure.commands.importing.command import SOURCES
from domain_secure.commands.importing.proposal_text import proposal_document, proposal_text
from domain_secure.policy.agreement.agreement_file import (
    _CONTEXT,
    _SIGNATURE,
    _SIGNED,
    fingerprint,
    is_key,
    read_agreement,
)
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.configuration.shared_policy import SharedPolicy
from domain_secure.policy.importing.source_text import decode
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.toml import toml_edit

from attack.fuzzing.target import Fault, Take, Target

_LIST = b"\x1e"  #: in front of a list in a file of its own


def _is_told(problem: Problem) -> None:
    """Raise Fault where a problem is not one line."""
    if "\n" in str(problem) or not str(problem).isprintable():
        raise Fault(f"a problem of more than a line: {str(problem)[:100]!r}")


@contextmanager
def _configuration(folder: Path) -> Iterator[Take]:
    path = folder / "domain-secure.toml"

    def take(octets: bytes) -> None:
        text, _, domains = octets.partition(_LIST)

        def read(file: Path) -> bytes:
            del file
            return domains

        for shared in (None, SharedPolicy(domains, {"receive": domains})):
            try:
                parse(text, path, read, shared)
            except Problem as problem:
                _is_told(problem)
            else:
                _edit(text.decode("utf-8"), path, read)

    yield take


@contextmanager
def _agreement(folder: Path) -> Iterator[Take]:
    del folder
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = PublicKey.of(private)

    def take(octets: bytes) -> None:
        with suppress(ValueError):
            is_key(octets.decode("utf-8", "replace"), key)
        # Whoever has a key signs what he likes.
        body = octets.partition(f"\n{_SIGNATURE}\n".encode())[0] + b"\n"
        value = base64.b64encode(private.sign(_CONTEXT + body)).decode()
        signed = body + f"{_SIGNATURE}\n{_SIGNED.format(key=key, value=value)}\n".encode()
        for content in (octets, signed):
            try:
                fingerprint(read_agreement(content, "agreement.toml").key)
            except Problem as problem:
                _is_told(problem)

    yield take


def _edit(text: str, path: Path, read: Callable[[Path], bytes]) -> None:
    """Edit a configuration that can be read: it must be readable then, and say what it was told."""
    try:
        longer = toml_edit.edit_list(text, ("receive", "domains"), lambda _: True, ["added.test"])
        toml_edit.remove_key(longer, ("receive", "domains"))
    except Problem as problem:
        _is_told(problem)
        return
    try:
        after = parse(longer.encode("utf-8"), path, read)
    except Problem as problem:
        if "receive" in problem.where or "added.test" in str(problem):
            return
        raise Fault(f"edited, it cannot be read: {problem}") from problem
    if "added.test" not in after.receive:
        raise Fault("an entry that was added is not there")


@contextmanager
def _imports(folder: Path) -> Iterator[Take]:
    file = str(folder / "settings.txt")

    def take(octets: bytes) -> None:
        for propose, _ in SOURCES.values():
            for encoding in (None, "cp932"):
                try:
                    source = decode(octets, file, encoding)
                    proposal = propose([source], Mode.OBSERVE)
                except Problem as problem:
                    _is_told(problem)
                    continue
                proposal_text(proposal, [file])
                json.dumps(proposal_document(proposal, None))
                with suppress(Problem):
                    parse(proposal.configuration().encode(), folder / "proposal.toml")

    yield take


@contextmanager
def _orders(folder: Path) -> Iterator[Take]:
    del folder

    def take(octets: bytes) -> None:
        for read in (request.read, request.Result.read):
            try:
                read(octets)
            except Problem as problem:
                _is_told(problem)

    yield take


TARGETS = (
    Target("configuration", _configuration, 256 * 1024, 4.0, (b"\n", b",", _LIST)),
    Target("agreement", _agreement, 256 * 1024, 2.0, (b"\n", b",")),
    Target("imports", _imports, 64 * 1024, 4.0, (b"\n", b",", b":")),
    Target("orders", _orders, 64 * 1024, 1.0, (b",", b"{", b"[")),
)
