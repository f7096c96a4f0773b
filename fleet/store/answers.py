"""What a transaction answers, as etcd's JSON gateway writes it.

Owns: the reading of keys, values and revisions.  Must not know: what was asked, and what the keys mean.
Source: etcd's api/etcdserverpb/rpc.proto; keys and values are base64.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key as it stands."""

    key: str
    value: bytes
    modified: int  #: etcd's revision of its last change


@dataclass(frozen=True, slots=True)
class Answer:
    """What a transaction did."""

    succeeded: bool
    ranges: tuple[tuple[KeyValue, ...], ...]  #: of each range asked for, in order
    revision: int  #: etcd's
    cluster: str


def read_answer(said: Mapping[str, Any]) -> Answer:
    """Return what a document of etcd's says; raises as a wrong document makes it."""
    header = said.get("header", {})
    ranges = [part["response_range"] for part in said.get("responses", ()) if "response_range" in part]
    return Answer(
        bool(said.get("succeeded")),
        tuple(tuple(map(_key_value, found.get("kvs", ()))) for found in ranges),
        int(header.get("revision", 0)),
        str(header.get("cluster_id", "")),
    )


def _key_value(found: Mapping[str, Any]) -> KeyValue:
    return KeyValue(
        base64.b64decode(found["key"]).decode(errors="replace"),
        base64.b64decode(found.get("value", "")),
        int(found["mod_revision"]),
    )
