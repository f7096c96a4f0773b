"""What goes between the HTTP server and whoever changes something by the page.

Must not know: what is changed, which loads much more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

PATH = "/change"


@dataclass(frozen=True, slots=True)
class Posted:
    """One request: its headers by lower-case name, its body, and where it came from."""

    headers: Mapping[str, str]
    body: bytes
    client: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: bytes
