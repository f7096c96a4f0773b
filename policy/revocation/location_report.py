"""What became of asking a location: for those who ask for it (``refresh_request``) and for the doctor.

Owns: the words, and the file in the state folder that names the locations of no use.
Must not know: why a location is asked.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from domain_secure.policy.files import state_file
from domain_secure.policy.terms.kept_json import parse_json, parse_utc

FILE_NAME = "revocation-failures.json"  #: in the state folder
_MODE = 0o644
_MOST = 1000


@dataclass(frozen=True, slots=True)
class LocationReport:
    """A location, and how it was when it was last asked."""

    url: str
    kind: str  #: CRL or OCSP
    certificate: str  #: subject of one that names it
    until: datetime | None = None  #: the end of what it said last; None: nothing is at hand
    failure: str = ""  #: one clause for the operator; empty: it said what is in use now
    fix: str = ""  #: what to do about it
    is_missed: bool = False  #: without it nobody knows whether some certificate has been revoked

    @classmethod
    def of(cls, document: dict[str, Any]) -> "LocationReport":
        """Return the report that ``document`` made; raises ValueError, TypeError or KeyError."""
        until = document["until"] and parse_utc(document["until"])
        return cls(**document | {"until": until})

    @property
    def document(self) -> dict[str, Any]:
        """Return it for JSON, with stable keys."""
        return asdict(self) | {"until": self.until and self.until.isoformat()}


def write_failures(state: Path, reports: Iterable[LocationReport]) -> None:
    """Replace the file, which names the locations that are of no use; raises OSError."""
    document = [one.document for one in islice(reports, _MOST)]
    if document or (state / FILE_NAME).exists():
        state_file.replace(state, FILE_NAME, json.dumps(document, indent=1).encode(), default_mode=_MODE)


def read_failures(state: Path) -> tuple[LocationReport, ...]:
    """Return what the daemon wrote last; nothing where it wrote nothing readable.  Raises PermissionError.

    UntrustedEntryError is one: what somebody else put there is not read.
    """
    try:
        return tuple(LocationReport.of(one) for one in parse_json(state_file.read(state, FILE_NAME)))
    except PermissionError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ()
