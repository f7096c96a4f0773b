"""What a node holds of the fleet's policy on its own disk: it starts and enforces from here, store or not.

Owns: the files below ``<state>/fleet`` and the order in which they are replaced.
Must not know: the store.
Invariants: the revision named by ``revision.json`` is whole, or reading it is a Problem; the texts are put in
place first, so that an end at any instant leaves the former revision or the new one.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePath

from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.revisions.lineage import Known
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.terms.kept_json import parse_json, parse_utc
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .shared_policy import LISTS, POLICY, SharedPolicy

FOLDER = "fleet"  #: in the state folder
_REVISION = "revision.json"
_CONTACT = "contact.json"
_KNOWN = "fleet-known.json"  #: beside the folder, so that it outlives what is kept there
_INSTANCE = "instance"
_TEXT = ".text"
_FILE_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Contact:
    """When this node last heard from the store, and what it must tell about it."""

    at: datetime  #: when the store last answered
    cluster: str = ""  #: of etcd
    head: int | None = None  #: the number of the revision that was there
    problem: str | None = None  #: why that revision is not applied, or the store not followed


class FleetCache:
    """The folder of one node."""

    def __init__(self, state: Path) -> None:
        self._state, self.folder = state, state / FOLDER

    @property
    def watched(self) -> Path:
        """Return the file that changes with each revision."""
        return self.folder / _REVISION

    def envelope(self) -> Envelope | None:
        """Return the revision this node holds, or None where it has none yet; raises Problem."""
        try:
            return Envelope.parse(self._read(_REVISION))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _damaged(self.watched, error) from error

    def read(self) -> tuple[Envelope, SharedPolicy]:
        """Return the revision this node holds with its texts, checked; raises Problem."""
        envelope = self.envelope()
        if envelope is None:
            raise Problem(
                "this node has nothing of the fleet's policy yet",
                str(self.folder),
                "run `domain-secure fleet join`, or start the daemon while the store answers",
                ExitStatus.NO_ANSWER,
            )
        texts = {}
        for name, text in envelope.revision.texts.items():
            path = self._text_file(text.sha256)
            try:
                texts[name] = self._read(path.name)
            except OSError as error:
                raise _damaged(path, error) from error
            if hashlib.sha256(texts[name]).hexdigest() != text.sha256:
                raise _damaged(path, ValueError("its digest differs"))
        return envelope, shared_policy(envelope, texts, self.watched)

    def write(self, envelope: Envelope, texts: Mapping[str, bytes]) -> None:
        """Put a revision in place of the former one; raises OSError."""
        self._make()
        with state_file.writing(self._state, FOLDER) as folder:
            wanted = {
                self._text_file(text.sha256).name: texts[name]
                for name, text in envelope.revision.texts.items()
            }
            for name, content in wanted.items():
                if not folder.has(name) or folder.read(name) != content:
                    folder.replace(name, content, default_mode=_FILE_MODE)
            self._note_known(envelope)
            folder.replace(_REVISION, envelope.octets(), default_mode=_FILE_MODE)
            for name in state_file.names(self._state, FOLDER):
                if name.endswith(_TEXT) and name not in wanted:
                    folder.remove(name)

    def known(self) -> Known | None:
        """Return the newest revision that was ever held here, or None; raises nothing."""
        try:
            document = parse_json(state_file.read(self._state, PurePath(_KNOWN)))
            return Known(str(document["fleet"]), int(document["number"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def instance(self) -> str:
        """Return what tells this machine's copy of the state from every other's; made where there is none.

        Raises OSError.
        """
        try:
            if found := self._read(_INSTANCE).decode(errors="replace").strip():
                return found
        except FileNotFoundError:
            pass
        self._make()
        made = secrets.token_hex(16)
        state_file.replace(
            self._state, PurePath(FOLDER, _INSTANCE), f"{made}\n".encode(), default_mode=_FILE_MODE
        )
        return made

    def contact(self) -> Contact | None:
        """Return what was last noted of the store, or None; raises nothing."""
        try:
            document = parse_json(self._read(_CONTACT))
            return Contact(**document | {"at": parse_utc(document["at"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_contact(self, contact: Contact) -> None:
        """Note what is known of the store; raises OSError."""
        self._make()
        document = asdict(contact) | {"at": contact.at.isoformat()}
        content = json.dumps(document).encode() + b"\n"
        state_file.replace(self._state, PurePath(FOLDER, _CONTACT), content, default_mode=_FILE_MODE)

    def forget(self) -> None:
        """Remove everything: this node leaves the fleet.  Raises OSError."""
        for name in (_KNOWN, FOLDER):
            with suppress(FileNotFoundError):
                state_file.remove(self._state, name)

    def _note_known(self, envelope: Envelope) -> None:
        document = {"fleet": envelope.revision.fleet, "number": envelope.revision.number}
        content = json.dumps(document).encode() + b"\n"
        state_file.replace(self._state, PurePath(_KNOWN), content, default_mode=_FILE_MODE)

    def _read(self, name: str) -> bytes:
        return state_file.read(self._state, PurePath(FOLDER, name))

    def _text_file(self, sha256: str) -> Path:
        return self.folder / f"{sha256}{_TEXT}"

    def _make(self) -> None:
        state_folder.make(self.folder.parent)
        state_file.make_folder(self._state, FOLDER)


def shared_policy(envelope: Envelope, texts: Mapping[str, bytes], where: Path) -> SharedPolicy:
    """Return the texts of a revision as the policy they are; raises Problem."""
    if POLICY not in texts:
        raise _damaged(where, ValueError("it has no shared document"))
    lists = {name: texts[name] for name in LISTS if name in texts}
    return SharedPolicy(texts[POLICY], lists, envelope.revision.number, where)


def _damaged(path: Path, error: Exception) -> Problem:
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Problem(
        f"what this node holds of the fleet's policy cannot be used ({what})",
        str(path),
        "run `domain-secure fleet join`, which fetches it again",
    )
