"""Ask the running daemon over HTTP."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from ..policy.problems import ExitStatus, Problem

_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the daemon's metrics."""

    name: str
    labels: dict[str, str]
    value: float


def health(address: tuple[str, int]) -> dict[str, Any]:
    """Return the document at ``/healthz``; raises Problem where nobody answers."""
    document: dict[str, Any] = json.loads(_get(address, "/healthz"))
    return document


def samples(address: tuple[str, int]) -> tuple[Sample, ...]:
    """Return every sample at ``/metrics``; raises Problem where nobody answers."""
    text = _get(address, "/metrics").decode()
    return tuple(
        Sample(sample.name, dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )


def _get(address: tuple[str, int], path: str) -> bytes:
    connection = HTTPConnection(*address, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except (OSError, HTTPException) as error:
        raise Problem(
            f"the daemon does not answer ({error})",
            f"http://{address[0]}:{address[1]}{path}",
            "start it with `systemctl start domain-secure` or `domain-secure serve`, and read its log",
            ExitStatus.NO_ANSWER,
        ) from error
    finally:
        connection.close()
