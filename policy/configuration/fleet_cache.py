"""What a node holds of the fleet's policy on its own disk: it starts and enforces from here, store or not.

Owns: the files below ``<state>/fleet`` and the order in which they are replaced.
Must not know: the store.
Invariants: the revision named by ``revision.json`` is whole, or reading it is a Problem; the texts are put in
place first, so that an end at any instant leaves the former revision or the new one.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.files import atomic_file, state_folder
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .shared_policy import LISTS, POLICY, SharedPolicy

FOLDER = "fleet"  #: in the state folder
_REVISION = "revision.json"
_CONTACT = "contact.json"
_TEXT = ".text"


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
        self.folder = state / FOLDER

    @property
    def watched(self) -> Path:
        """Return the file that changes with each revision."""
        return self.folder / _REVISION

    def envelope(self) -> Envelope | None:
        """Return the revision this node holds, or None where it has none yet; raises Problem."""
        try:
            return Envelope.parse(self.watched.read_bytes())
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
                texts[name] = path.read_bytes()
            except OSError as error:
                raise _damaged(path, error) from error
            if hashlib.sha256(texts[name]).hexdigest() != text.sha256:
                raise _damaged(path, ValueError("its digest differs"))
        return envelope, shared_policy(envelope, texts, self.watched)

    def write(self, envelope: Envelope, texts: Mapping[str, bytes]) -> None:
        """Put a revision in place of the former one; raises OSError."""
        self._make()
        with atomic_file.writer_lock(self.folder):
            wanted = {
                self._text_file(text.sha256): texts[name] for name, text in envelope.revision.texts.items()
            }
            for path, content in wanted.items():
                if not path.exists() or path.read_bytes() != content:
                    atomic_file.replace(path, content)
            atomic_file.replace(self.watched, envelope.octets())
            for path in self.folder.glob(f"*{_TEXT}"):
                if path not in wanted:
                    path.unlink(missing_ok=True)

    def contact(self) -> Contact | None:
        """Return what was last noted of the store, or None; raises nothing."""
        try:
            document = json.loads((self.folder / _CONTACT).read_bytes())
            return Contact(**document | {"at": datetime.fromisoformat(document["at"]).astimezone(UTC)})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_contact(self, contact: Contact) -> None:
        """Note what is known of the store; raises OSError."""
        self._make()
        document = asdict(contact) | {"at": contact.at.isoformat()}
        atomic_file.replace(self.folder / _CONTACT, json.dumps(document).encode() + b"\n")

    def forget(self) -> None:
        """Remove everything: this node leaves the fleet.  Raises OSError."""
        if self.folder.exists():
            for path in self.folder.iterdir():
                path.unlink(missing_ok=True)
            self.folder.rmdir()

    def _text_file(self, sha256: str) -> Path:
        return self.folder / f"{sha256}{_TEXT}"

    def _make(self) -> None:
        state_folder.make(self.folder.parent)
        if not self.folder.is_dir():
            with suppress(FileExistsError):
                self.folder.mkdir(mode=0o755)
            above = self.folder.parent.stat()
            if os.geteuid() == 0:
                os.chown(self.folder, above.st_uid, above.st_gid)


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
