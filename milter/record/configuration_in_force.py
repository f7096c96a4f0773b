"""Which configuration decides about mail, and since when, for the history.

Owns: the digests of its files, and that they are those of what was read.
Must not know: how it is read.
Invariant: a file that looks otherwise than when it was read is not taken for it: the next reading tells.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files.file_signature import FileSignature, file_signature
from domain_secure.policy.history.seen_hours import InForce

_SHOWN_DIGITS = 16


class ConfigurationInForce:
    """Asked by the supervising thread; what it found may be read from any."""

    def __init__(self) -> None:
        self.present: InForce | None = None  #: None until the files could be read
        self._seen: tuple[Configuration, Mapping[Path, FileSignature | None]] | None = None

    def attend(self, configuration: Configuration, files: Mapping[Path, FileSignature | None]) -> None:
        """Take the configuration in force, and how its *files* looked before they were read."""
        if self._seen is not None and self._seen[0] is configuration and self._seen[1] is files:
            return
        self._seen = configuration, files
        digests: dict[str, str] = {}
        for file in configuration.files:
            try:
                digests[str(file)] = hashlib.sha256(file.read_bytes()).hexdigest()
            except OSError:
                return
            if files.get(file) != file_signature(file):
                return
        revision = _revision(configuration, digests)
        if self.present is None or self.present.revision != revision:
            self.present = InForce(datetime.now(UTC), revision, digests)


def _revision(configuration: Configuration, digests: Mapping[str, str]) -> str:
    whole = hashlib.sha256("\n".join(f"{path} {digest}" for path, digest in sorted(digests.items())).encode())
    shown = whole.hexdigest()[:_SHOWN_DIGITS]
    if configuration.revision is None:
        return f"files {shown}"
    return f"revision {configuration.revision}, files {shown}"
